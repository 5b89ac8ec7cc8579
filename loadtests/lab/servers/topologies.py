"""The processes of each arm, with their threads, the modules they serve and the placement of their databases.

Within a comparison every arm has the same number of threads in total, and each thread has its own connections; all of
an arm's servers share one processor core.
"""

import contextlib
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from deploy.devstack.environment import Backends, monolith_environment, scheduling_environment
from deploy.devstack.ports import HOST, free_port
from deploy.devstack.processes import GUNICORN
from deploy.devstack.program import Program, http_check
from loadtests.generator.workload import ANY_MODULE
from loadtests.harness.servers import gunicorn, running_pid
from loadtests.lab.servers.lab_servers import DatabasePlacement, LabServers

THREADS = 8
"""Threads of all web processes of an arm together."""


class MonolithWeb(NamedTuple):
    """A web process of the monolith: its share of the threads, and the modules whose requests it receives."""

    share: float
    modules: tuple[str, ...] = (ANY_MODULE,)


class Topology(NamedTuple):
    """The processes and databases of an arm.

    `template` names the prepared databases. `service` is the extracted service's share of the threads, 0 without a
    service. `settings` are additional settings of the monolith's processes.
    """

    template: str
    placement: DatabasePlacement
    monoliths: tuple[MonolithWeb, ...]
    service: float = 0.0
    settings: Mapping[str, str] = {}


_MONOLITH_ONLY: DatabasePlacement = {"monolith": "main"}
_TWO_SERVERS: DatabasePlacement = {"monolith": "main", "scheduling": "apart"}

TOPOLOGIES: Mapping[str, Topology] = {
    "M1": Topology("inside", _MONOLITH_ONLY, (MonolithWeb(1),)),
    "M1'": Topology("inside", _MONOLITH_ONLY, (MonolithWeb(1),)),
    "M2": Topology("inside", _MONOLITH_ONLY, (MonolithWeb(0.5), MonolithWeb(0.5))),
    "MB": Topology("inside", _MONOLITH_ONLY, (MonolithWeb(0.5), MonolithWeb(0.5, ("scheduling",)))),
    "MC": Topology("inside", _MONOLITH_ONLY, (MonolithWeb(1),), settings={"AVAILABILITY_CACHE_SECONDS": "2"}),
    "XS": Topology("together", {"monolith": "main", "scheduling": "main"}, (MonolithWeb(0.5),), service=0.5),
    "X": Topology("apart", _TWO_SERVERS, (MonolithWeb(0.5),), service=0.5),
}


@dataclass(frozen=True)
class RunningArm:
    """Base addresses by module, as in `Workload.hosts`; process ids and metrics pages by process name."""

    hosts: Mapping[str, list[str]]
    pids: Mapping[str, int]
    metrics: Mapping[str, str]
    metrics_token: str


@contextlib.contextmanager
def running_arm(topology: Topology, servers: LabServers, prefix: str) -> Iterator[RunningArm]:
    """Run the arm's processes within the block, on the databases named by `prefix`. Raises CommandError."""
    arm = _ArmPrograms(servers, servers.placed_backends(topology.placement, prefix), topology.settings)
    with contextlib.ExitStack() as stack:
        programs = arm.build(topology)
        for program in programs:
            stack.callback(program.stop)
        # Start on all cores, since starting is not measured.
        for program in programs:
            program.launch()
        for program in programs:
            program.wait_until_ready()
        servers.cores.pin_servers(running_pid(program) for program in programs)
        # The callbacks run in reverse order: every program gets its stop signal before the first is waited for.
        for program in programs:
            stack.callback(program.request_stop)
        pids = {program.name: running_pid(program) for program in programs}
        for server in dict.fromkeys(topology.placement.values()):
            pids[f"postgres-{server}"] = servers.postgres_pid(server)
        assert servers.valkey is not None, "it was started"
        pids["valkey"] = running_pid(servers.valkey)
        yield RunningArm(arm.hosts, pids, arm.metrics, servers.keys.metrics_token)


class _ArmPrograms:
    def __init__(self, servers: LabServers, backends: Backends, settings: Mapping[str, str]) -> None:
        self._servers = servers
        # Set for every arm, so that the shell's environment gives no arm a cache.
        without_remedies = {"AVAILABILITY_CACHE_SECONDS": "0"}
        self._monolith = {
            **monolith_environment(servers.settings, servers.keys, backends),
            **without_remedies,
            **settings,
        }
        self._scheduling = scheduling_environment(servers.settings, servers.keys, backends)
        self.hosts: dict[str, list[str]] = {}
        self.metrics: dict[str, str] = {}

    def build(self, topology: Topology) -> list[Program]:
        found = []
        if topology.service:
            port = free_port()
            self._monolith["SCHEDULING_SERVICE_URL"] = f"http://{HOST}:{port}"
            settings = {**self._scheduling, "SCHEDULING_PORT": str(port)}
            found.append(self._web("scheduling-web", "scheduling", port, topology.service, settings))
            found.append(self._background("scheduling-relay", "scheduling_service.relay", self._scheduling))
        for number, web in enumerate(topology.monoliths):
            port = free_port()
            for module in web.modules:
                self.hosts.setdefault(module, []).append(f"http://{HOST}:{port}")
            name = f"monolith-web-{number + 1}" if len(topology.monoliths) > 1 else "monolith-web"
            # There is no proxy that would preserve the public name, so each web process has its own public URL.
            settings = {**self._monolith, "MONOLITH_PORT": str(port), "PUBLIC_URL": f"http://{HOST}:{port}"}
            found.append(self._web(name, "monolith", port, web.share, settings))
        found.append(self._background("monolith-worker", "monolith.worker", self._monolith))
        return found

    def _web(self, name: str, deployment: str, port: int, share: float, environment: dict[str, str]) -> Program:
        folder = self._servers.folder / f"metrics-{name}"
        self.metrics[name] = f"http://{HOST}:{port}/metrics"
        settings = {
            **environment,
            "WEB_WORKERS": "1",
            "WEB_THREADS": str(round(THREADS * share)),
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
        }
        application = "monolith.wsgi:app" if deployment == "monolith" else "scheduling_service.wsgi:app"
        return gunicorn(
            name,
            application,
            GUNICORN / f"{deployment}.py",
            settings,
            folder=self._servers.folder,
            ready=[http_check(port, "/healthz"), http_check(port, "/readyz")],
        )

    def _background(self, name: str, module: str, environment: dict[str, str]) -> Program:
        program = Program(name, ["-m", module], environment, log=self._servers.folder / f"{name}.log")
        # A graceful stop would take long, and its databases are dropped anyway.
        program.stop_signal = signal.SIGKILL
        return program
