"""The whole product on real servers: starts in order, and stops in reverse order."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from deploy.databases.schemas import monolith_target, scheduling_target
from deploy.databases.set_up import require_separate_servers, set_up
from deploy.devstack import environment, processes
from deploy.devstack.child import Child
from deploy.devstack.environment import Backends
from deploy.devstack.keys import Keys, load_keys
from deploy.devstack.lock import lock_data_folder
from deploy.devstack.ports import is_free
from deploy.devstack.postgres import PostgresServer
from deploy.devstack.process_record import ProcessRecord
from deploy.devstack.settings import Settings
from deploy.devstack.supervisor import Supervisor
from deploy.devstack.valkey import ValkeyServer, require_redis
from deploy.errors import CommandError, PortInUseError

LARGEST_LOG = 10_000_000
# How long the children of a killed supervisor may take to end.
LEFTOVER_SECONDS = 5.0
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


def run(settings: Settings, say: Say, on_ready: Callable[[Keys, Backends], None]) -> None:
    """Run until Ctrl-C or SIGTERM, and stop everything. ``on_ready`` is called when both web processes serve.

    Raises CommandError, after stopping everything, when a process cannot start. A folder in which nothing was stored
    does not remain.
    """
    is_new = not settings.data.exists()
    try:
        _run_locked(settings, say, on_ready)
    except CommandError:
        if is_new:
            _remove_empty(settings)
        raise


def _run_locked(settings: Settings, say: Say, on_ready: Callable[[Keys, Backends], None]) -> None:
    with lock_data_folder(settings.running / "lock"), _stopped_by_signals():
        record = ProcessRecord(settings.running / "processes.json")
        _stop_leftovers(settings, record, say)
        supervisor = Supervisor(record, say)
        try:
            _start(settings, supervisor, say, on_ready)
            supervisor.watch()
        except KeyboardInterrupt:
            say("stopping")
        finally:
            _ignore_signals()
            environment.remove_stack_environment(settings)
            supervisor.stop()


def _remove_empty(settings: Settings) -> None:
    """Remove the data folder if it contains the lock file only."""
    (settings.running / "lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        settings.running.rmdir()
        settings.data.rmdir()


def _start(settings: Settings, supervisor: Supervisor, say: Say, on_ready: Callable[[Keys, Backends], None]) -> None:
    if settings.monolith_database_url and settings.scheduling_database_url:
        require_separate_servers(settings.monolith_database_url, settings.scheduling_database_url)
    if settings.redis_url:
        require_redis(settings.redis_url)
    keys = load_keys(settings.data / "secrets.json")
    servers = _Servers(settings)
    say("starting the servers")
    supervisor.start([*servers.own, processes.mailsink_process(settings)])
    backends = servers.backends()
    say("setting up the databases")
    # No process of the product runs yet, so nothing is written while the schemas of both databases differ.
    set_up(monolith_target(backends.monolith_database_url, keys.monolith_role_secret), while_replicating=True)
    set_up(scheduling_target(backends.scheduling_database_url, keys.scheduling_role_secret), while_replicating=True)
    environment.write_stack_environment(settings, keys, backends)
    say("starting the product")
    supervisor.start(processes.product_processes(settings, keys, backends))
    on_ready(keys, backends)


class _Servers:
    """The servers that the stack starts itself, for those that no URL names."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._monolith = self._postgres("monolith")
        self._scheduling = self._postgres("scheduling")
        log = settings.logs / "valkey.log"
        self._valkey = ValkeyServer(settings.data / "valkey", settings.ports["REDIS_PORT"], log=log)

    @property
    def own(self) -> Sequence[Child]:
        """The servers to start."""
        given = self._settings
        every = [
            (self._monolith, given.monolith_database_url),
            (self._scheduling, given.scheduling_database_url),
            (self._valkey, given.redis_url),
        ]
        return [server for server, url in every if url is None]

    def backends(self) -> Backends:
        """Return the addresses of all servers. Those of the stack must have been started."""
        return Backends(
            self._settings.monolith_database_url or self._monolith.admin_url("monolith"),
            self._settings.scheduling_database_url or self._scheduling.admin_url("scheduling"),
            self._settings.redis_url or self._valkey.url(),
        )

    def _postgres(self, deployment: str) -> PostgresServer:
        name = f"postgres-{deployment}"
        port = self._settings.ports[f"{deployment.upper()}_POSTGRES_PORT"]
        return PostgresServer(self._settings.data / name, port, name=name, log=self._settings.logs / f"{name}.log")


def _stop_leftovers(settings: Settings, record: ProcessRecord, say: Say) -> None:
    crashed = record.exists()
    for name in record.stop_leftovers():
        say(f"stopped {name}, left by a demo that was killed")
    deadline = time.monotonic() + (LEFTOVER_SECONDS if crashed else 0.0)
    for setting, port in settings.ports_in_use().items():
        while not is_free(port):
            if time.monotonic() > deadline:
                raise PortInUseError(port, setting.removesuffix("_PORT").lower().replace("_", " "), setting)
            time.sleep(0.1)
    for log in settings.logs.glob("*.log"):
        _rotate_if_large(log)


def _rotate_if_large(log: Path) -> None:
    if log.stat().st_size > LARGEST_LOG:
        log.rename(log.with_suffix(".log.1"))


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    before = {number: signal.signal(number, signal.default_int_handler) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """Ignore further signals: a second Ctrl-C would leave processes behind."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
