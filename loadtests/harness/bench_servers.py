"""The product on servers of its own, for the bench, the story and the cutover tests."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from deploy.databases.schemas import Target
from deploy.databases.set_up import set_up
from deploy.devstack.environment import Backends, monolith_environment, scheduling_environment
from deploy.devstack.ports import free_port
from deploy.devstack.processes import GUNICORN
from deploy.devstack.program import Program, http_check
from loadtests.harness.cores import Cores
from loadtests.harness.servers import Servers, gunicorn, running_pid

THREADS = 8
# One worker process, so that the product and a floor are one process each.
WORKER = {"WEB_WORKERS": "1", "WEB_THREADS": str(THREADS)}
# Lets the bench log every statement with its parameters, as JSON.
STATEMENT_LOG = {"logging_collector": "on", "log_destination": "jsonlog", "log_filename": "statements.log"}


class RunningWeb(NamedTuple):
    port: int
    pid: int


@dataclass
class BenchServers(Servers):
    """One durable Postgres server per deployment, and web servers that the measurement starts."""

    def start_databases(self, *deployments: str) -> None:
        """Start the databases of `monolith`, `scheduling` or both, migrated and empty."""
        for deployment in deployments:
            port = self.settings.ports[f"{deployment.upper()}_POSTGRES_PORT"]
            log = {**STATEMENT_LOG, "log_directory": str(self.statements(deployment).parent)}
            self.start_postgres(deployment, port, log)
            set_up(self.target(deployment))

    def target(self, deployment: str) -> Target:
        """Return a database with an administrator's credentials."""
        return self.database_of(deployment, self.postgres[deployment].admin_url(deployment))

    def statements(self, deployment: str) -> Path:
        """Return the path of the statement log; it grows only while statement logging is on."""
        return self.folder / f"postgres-{deployment}" / "data" / "log" / "statements.json"

    def start_monolith(self, **overrides: str) -> RunningWeb:
        """Start the monolith's web process; `overrides` replace settings."""
        port = self.settings.ports["MONOLITH_PORT"]
        environment = {**self.monolith_environment(), **WORKER, **overrides}
        return self.start_web("monolith.wsgi:app", GUNICORN / "monolith.py", port, "/healthz", environment)

    def start_scheduling(self, **overrides: str) -> RunningWeb:
        """Start the extracted service's web process; `overrides` replace settings."""
        port = self.settings.ports["SCHEDULING_PORT"]
        environment = {**scheduling_environment(self.settings, self.keys, self._backends()), **WORKER, **overrides}
        return self.start_web("scheduling_service.wsgi:app", GUNICORN / "scheduling.py", port, "/healthz", environment)

    def start_worker(self, **overrides: str) -> int:
        """Start the monolith's worker, which runs the relay and the consumers; return its process id."""
        environment = {**self.monolith_environment(), **overrides}
        worker = Program("monolith-worker", ["-m", "monolith.worker"], environment, log=self.folder / "worker.log")
        self.start(worker)
        return running_pid(worker)

    def start_web(
        self, application: str, config: Path, port: int, ready_path: str, environment: Mapping[str, str]
    ) -> RunningWeb:
        """Start gunicorn and return when a GET of `ready_path` is answered with 200."""
        name = re.sub(r"\W+", "-", application).strip("-")
        program = gunicorn(
            name, application, config, environment, folder=self.folder, ready=[http_check(port, ready_path)]
        )
        self.start(program)
        return RunningWeb(port, running_pid(program))

    def start_floor(
        self, application: str, config: Path, ready_path: str, environment: Mapping[str, str]
    ) -> RunningWeb:
        """Start a baseline application on a free port, with as many workers and threads as the product."""
        port = free_port()
        return self.start_web(
            application, config, port, ready_path, {"MONOLITH_PORT": str(port), **environment, **WORKER}
        )

    def monolith_environment(self) -> dict[str, str]:
        """Return the settings of the monolith's processes and commands."""
        return monolith_environment(self.settings, self.keys, self._backends())

    def _backends(self) -> Backends:
        return self.backends({deployment: server.admin_url(deployment) for deployment, server in self.postgres.items()})


@contextlib.contextmanager
def running_bench_servers(cores: Cores) -> Iterator[BenchServers]:
    """Yield servers in a temporary folder; at the end, stop them, last first, and remove the folder.

    BENCH_DIR in the environment names the parent of that folder.
    """
    parent = os.environ.get("BENCH_DIR")
    with (
        tempfile.TemporaryDirectory(prefix="extraction-bench-", dir=parent, ignore_cleanup_errors=True) as folder,
        contextlib.ExitStack() as running,
    ):
        yield BenchServers(Path(folder), cores, running)
