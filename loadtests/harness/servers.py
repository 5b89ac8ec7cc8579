"""Servers of one measurement: a temporary folder, free ports and Postgres servers of their own, stopped at the end."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.databases.schemas import Target, monolith_target, scheduling_target
from deploy.devstack import processes
from deploy.devstack.child import Child
from deploy.devstack.environment import Backends
from deploy.devstack.keys import Keys, load_keys
from deploy.devstack.ports import free_ports
from deploy.devstack.postgres import PostgresServer
from deploy.devstack.program import Program
from deploy.devstack.settings import DEFAULT_PORTS, Settings
from deploy.devstack.valkey import ValkeyServer
from loadtests.harness.cores import Cores

UNUSED_POSTGRES = "postgresql://127.0.0.1:9/none"
"""A well-formed address for a deployment that does not run."""
UNUSED_REDIS = "redis://127.0.0.1:9/0"


@dataclass
class Servers:
    """The common part of the bench's and the laboratory's servers.

    Servers started here run on the servers' core and stop, last first, when `running` closes.
    """

    folder: Path
    cores: Cores
    running: contextlib.ExitStack
    settings: Settings = field(init=False)
    keys: Keys = field(init=False)
    postgres: dict[str, PostgresServer] = field(init=False, default_factory=dict)
    valkey: ValkeyServer | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.settings = Settings(self.folder, free_ports(DEFAULT_PORTS), None, None, None)
        self.keys = load_keys(self.folder / "secrets.json")

    def start(self, server: Child) -> None:
        """Start a server, pinned, and return when it accepts requests. Raises CommandError."""
        self.running.callback(server.stop)
        with self.cores.starting_servers():
            server.start()

    def start_postgres(self, name: str, port: int = 0, settings: Mapping[str, str] | None = None) -> PostgresServer:
        """Start a Postgres server with the demo's settings and these; port 0 means any free port."""
        self.postgres[name] = PostgresServer(
            self.folder / f"postgres-{name}", port, name=f"postgres-{name}", settings=settings
        )
        self.start(self.postgres[name])
        return self.postgres[name]

    def postgres_pid(self, name: str) -> int:
        """Return the process id of the postmaster, the parent of every backend."""
        return running_pid(self.postgres[name])

    def start_valkey(self) -> int:
        """Start Valkey, for the processes that start later; return its process id."""
        self.valkey = ValkeyServer(self.folder / "valkey", self.settings.ports["REDIS_PORT"])
        self.start(self.valkey)
        return running_pid(self.valkey)

    def start_mail_sink(self) -> None:
        """Start the mail sink, on the generator's core: it is not part of the product."""
        sink = processes.mailsink_process(self.settings)
        self.running.callback(sink.stop)
        with self.cores.generating_load():
            sink.start()

    def backends(self, databases: Mapping[str, str]) -> Backends:
        """Return the backends for administrator URLs by deployment; what does not run gets an unused address."""
        return Backends(
            databases.get("monolith", UNUSED_POSTGRES),
            databases.get("scheduling", UNUSED_POSTGRES),
            self.valkey.url() if self.valkey else UNUSED_REDIS,
        )

    def database_of(self, deployment: str, url: str) -> Target:
        """Return the `monolith` or `scheduling` database at an administrator's URL, for migrations and roles."""
        if deployment == "monolith":
            return monolith_target(url, self.keys.monolith_role_secret)
        return scheduling_target(url, self.keys.scheduling_role_secret)


def gunicorn(
    name: str,
    application: str,
    config: Path,
    environment: Mapping[str, str],
    *,
    folder: Path,
    ready: Sequence[Callable[[], bool]],
) -> Program:
    """Return a web server, not started yet, that is ready when all of `ready` hold. Its log is in `folder`."""
    arguments = ["-m", "gunicorn", "-c", str(config), application]
    return Program(
        name, arguments, environment, log=folder / f"{name}.log", is_ready=lambda: all(check() for check in ready)
    )


def running_pid(server: Child) -> int:
    """Return the process id of a server that was started."""
    assert server.pid is not None, f"{server.name} is not running"
    return server.pid
