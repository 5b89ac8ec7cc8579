"""The servers of one bench: a folder, ports and a durable Postgres of its own, all gone at the end."""

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from deploy.databases.schemas import Target, monolith_target, scheduling_target
from deploy.databases.set_up import set_up
from deploy.devstack.child import Child
from deploy.devstack.environment import Backends, monolith_environment, scheduling_environment
from deploy.devstack.keys import Keys, load_keys
from deploy.devstack.ports import free_port
from deploy.devstack.postgres import PostgresServer
from deploy.devstack.processes import GUNICORN, mailsink_process
from deploy.devstack.program import Program, http_check
from deploy.devstack.settings import DEFAULT_PORTS, Settings
from deploy.devstack.valkey import ValkeyServer
from loadtests.bench import floor_gunicorn
from loadtests.harness.cores import Cores

THREADS = 8
# One worker, so that product and floor are one process each; neither has the relay or the worker beside it.
WORKER = {"WEB_WORKERS": "1", "WEB_THREADS": str(THREADS)}
# Every statement of a session can be logged with its parameters, into a file that a program can read.
LOGGED = {"logging_collector": "on", "log_destination": "jsonlog", "log_filename": "statements.log"}


class RunningWeb(NamedTuple):
    """A web server that runs."""

    port: int
    pid: int


@dataclass
class BenchServers:
    """Everything started here runs on the servers' core, until the stand is closed."""

    folder: Path
    cores: Cores
    running: contextlib.ExitStack
    settings: Settings = field(init=False)
    keys: Keys = field(init=False)
    postgres: dict[str, PostgresServer] = field(init=False, default_factory=dict)
    valkey: ValkeyServer | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.settings = Settings(self.folder, {name: free_port() for name in DEFAULT_PORTS}, None, None, None)
        self.keys = load_keys(self.folder / "secrets.json")

    def start_databases(self, *sides: str) -> None:
        """`monolith`, `scheduling` or both: servers as the demo has them, set up and empty."""
        for side in sides:
            port = self.settings.ports[f"{side.upper()}_POSTGRES_PORT"]
            log = {**LOGGED, "log_directory": str(self.statements(side).parent)}
            self.postgres[side] = PostgresServer(
                self.folder / f"postgres-{side}", port, name=f"postgres-{side}", settings=log
            )
            self._start(self.postgres[side])
            set_up(self.target(side))

    def target(self, side: str) -> Target:
        """A database, with an administrator's credentials."""
        if side == "monolith":
            return monolith_target(self.postgres[side].admin_url("monolith"), self.keys.monolith_role_secret)
        return scheduling_target(self.postgres[side].admin_url("scheduling"), self.keys.scheduling_role_secret)

    def statements(self, side: str) -> Path:
        """Where the database logs what it is sent, while it is told to."""
        return self.folder / f"postgres-{side}" / "data" / "log" / "statements.json"

    def postgres_pid(self, side: str) -> int:
        """The server, of which every backend is a child."""
        pid = self.postgres[side].pid
        assert pid is not None
        return pid

    def start_monolith(self, **given: str) -> RunningWeb:
        """The product's web process; `given` settings come before the stand's own."""
        port = self.settings.ports["MONOLITH_PORT"]
        config = GUNICORN / "monolith.py"
        environment = {**self.monolith_environment(), **WORKER, **given}
        return self._start_web("monolith.wsgi:app", config, port, "/healthz", environment)

    def start_valkey(self) -> int:
        """Answers its process id; the product's processes that start later use it."""
        self.valkey = ValkeyServer(self.folder / "valkey")
        self._start(self.valkey)
        assert self.valkey.pid is not None
        return self.valkey.pid

    def start_mail_sink(self) -> None:
        """On the generator's core: it stands for somebody else's mail server."""
        sink = mailsink_process(self.settings)
        self.running.callback(sink.stop)
        with self.cores.for_generator():
            sink.start()

    def start_worker(self, **given: str) -> int:
        """The monolith's worker; answers its process id."""
        environment = {**self.monolith_environment(), **given}
        worker = Program("monolith-worker", ["-m", "monolith.worker"], environment, log=self.folder / "worker.log")
        self._start(worker)
        assert worker.pid is not None
        return worker.pid

    def start_scheduling(self, **given: str) -> RunningWeb:
        """The extracted service's web process; `given` as for the monolith's."""
        port = self.settings.ports["SCHEDULING_PORT"]
        environment = {**scheduling_environment(self.settings, self.keys, self._backends()), **WORKER, **given}
        return self._start_web("scheduling_service.wsgi:app", GUNICORN / "scheduling.py", port, "/healthz", environment)

    def start_floor(self, name: str, settings: Mapping[str, Any], ready: str) -> RunningWeb:
        """One of `loadtests.bench.floors`, under the monolith's gunicorn settings. `ready` is a path that it serves."""
        port = free_port()
        environment = {"MONOLITH_PORT": str(port), "FLOOR": json.dumps(settings), **WORKER}
        return self._start_web(
            f"loadtests.bench.floors:{name}()", Path(floor_gunicorn.__file__), port, ready, environment
        )

    def monolith_environment(self) -> dict[str, str]:
        """The settings of the monolith's web process, and of commands that act as it."""
        return monolith_environment(self.settings, self.keys, self._backends())

    def _start_web(
        self, application: str, config: Path, port: int, ready: str, environment: Mapping[str, str]
    ) -> RunningWeb:
        name = re.sub(r"\W+", "-", application).strip("-")
        program = Program(
            name,
            ["-m", "gunicorn", "-c", str(config), application],
            environment,
            log=self.folder / f"{name}.log",
            serves=http_check(port, ready),
        )
        self._start(program)
        assert program.pid is not None
        return RunningWeb(port, program.pid)

    def _start(self, server: Child) -> None:
        self.running.callback(server.stop)
        with self.cores.for_servers():
            server.start()

    def _backends(self) -> Backends:
        urls = {side: server.admin_url(side) for side, server in self.postgres.items()}
        # A side that was not started is never asked; its address only has to be well-formed.
        nowhere = "postgresql://127.0.0.1:9/none"
        return Backends(
            urls.get("monolith", nowhere),
            urls.get("scheduling", nowhere),
            self.valkey.url() if self.valkey else "redis://127.0.0.1:9/0",
        )


@contextlib.contextmanager
def running_bench_servers(cores: Cores) -> Iterator[BenchServers]:
    """Stops what was started, last first, however the block ends, and removes the folder."""
    parent = os.environ.get("BENCH_DIR")
    with (
        tempfile.TemporaryDirectory(prefix="extraction-bench-", dir=parent, ignore_cleanup_errors=True) as folder,
        contextlib.ExitStack() as running,
    ):
        yield BenchServers(Path(folder), cores, running)
