"""Each arm as processes: how many threads each has, what it serves, and where its databases are.

Within a comparison every arm has the same threads in all, and each thread its connections; all of an arm's servers
share one processor core.
"""

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from deploy.devstack.environment import Backends, monolith_environment, scheduling_environment
from deploy.devstack.ports import HOST, free_port
from deploy.devstack.processes import GUNICORN
from deploy.devstack.program import Program, http_check
from loadtests.generator.workload import ANY_MODULE
from loadtests.lab.servers.cpu_budgets import cpu_budget
from loadtests.lab.servers.lab_servers import DatabasePlacement, LabServers

THREADS = 8
"""Of all webs of an arm together."""


class MonolithWeb(NamedTuple):
    """A web of the monolith: its share of the threads, and the modules whose requests it gets."""

    share: float
    modules: tuple[str, ...] = (ANY_MODULE,)


class Topology(NamedTuple):
    """`template` names the prepared databases; `service` is the extracted service's share of the threads, 0 without.
    `second` are the processes that work from a second budget, `settings` further ones of the monolith's processes."""

    template: str
    home: DatabasePlacement
    monoliths: tuple[MonolithWeb, ...]
    service: float = 0.0
    second: tuple[str, ...] = ()
    settings: Mapping[str, str] = {}


_INSIDE: DatabasePlacement = {"monolith": "main"}
_APART: DatabasePlacement = {"monolith": "main", "scheduling": "apart"}

TOPOLOGIES: Mapping[str, Topology] = {
    "M1": Topology("inside", _INSIDE, (MonolithWeb(1),)),
    "M1'": Topology("inside", _INSIDE, (MonolithWeb(1),)),
    "M2": Topology("inside", _INSIDE, (MonolithWeb(0.5), MonolithWeb(0.5))),
    "M2+": Topology("inside", _INSIDE, (MonolithWeb(0.5), MonolithWeb(0.5)), second=("monolith-web-2",)),
    "MB": Topology("inside", _INSIDE, (MonolithWeb(0.5), MonolithWeb(0.5, ("scheduling",)))),
    "MC": Topology("inside", _INSIDE, (MonolithWeb(1),), settings={"AVAILABILITY_CACHE_SECONDS": "2"}),
    "XS": Topology("together", {"monolith": "main", "scheduling": "main"}, (MonolithWeb(0.5),), service=0.5),
    "X": Topology("apart", _APART, (MonolithWeb(0.5),), service=0.5),
    "X+": Topology(
        "apart",
        _APART,
        (MonolithWeb(0.5),),
        service=0.5,
        second=("scheduling-web", "scheduling-relay", "postgres-apart"),
    ),
}


@dataclass(frozen=True)
class RunningArm:
    """Addresses by module as `Play.hosts` wants them; process ids and metrics pages by name."""

    hosts: Mapping[str, list[str]]
    pids: Mapping[str, int]
    metrics: Mapping[str, str]
    metrics_token: str


@contextlib.contextmanager
def running_arm(topology: Topology, ground: LabServers, prefix: str) -> Iterator[RunningArm]:
    """All processes of the arm, on databases named by the prefix, while the block lasts. Raises CommandError."""
    arm = _Arm(ground, ground.backends(topology.home, prefix), topology.settings)
    with contextlib.ExitStack() as stack:
        programs = arm.programs(topology)
        for program in programs:
            stack.callback(program.stop)
        # On all cores, since starting is not measured.
        for program in programs:
            program.launch()
        for program in programs:
            program.wait_until_ready()
        ground.cores.hold_servers(_pid(program.pid) for program in programs)
        # All are asked at once, and then waited for one by one.
        for program in programs:
            stack.callback(program.ask_to_stop)
        pids = {program.name: _pid(program.pid) for program in programs}
        for server in dict.fromkeys(topology.home.values()):
            pids[f"postgres-{server}"] = _pid(ground.postgres[server].pid)
        pids["valkey"] = _pid(ground.valkey.pid)
        if ground.budget_cores is not None:
            _hold(topology, pids, ground.budget_cores, stack)
        yield RunningArm(arm.hosts, pids, arm.metrics, ground.keys.metrics_token)


def _hold(topology: Topology, pids: Mapping[str, int], cores: float, stack: contextlib.ExitStack) -> None:
    """To one budget, or two; once everything has started."""
    first = stack.enter_context(cpu_budget("first", cores))
    first.hold([pid for name, pid in pids.items() if name not in topology.second])
    if topology.second:
        second = stack.enter_context(cpu_budget("second", cores))
        second.hold([pids[name] for name in topology.second])


class _Arm:
    def __init__(self, ground: LabServers, backends: Backends, settings: Mapping[str, str]) -> None:
        self._ground = ground
        # Said to every arm, so that none has it from the shell.
        without_remedies = {"AVAILABILITY_CACHE_SECONDS": "0"}
        self._monolith = {
            **monolith_environment(ground.settings, ground.keys, backends),
            **without_remedies,
            **settings,
        }
        self._scheduling = scheduling_environment(ground.settings, ground.keys, backends)
        self.hosts: dict[str, list[str]] = {}
        self.metrics: dict[str, str] = {}

    def programs(self, topology: Topology) -> list[Program]:
        found = []
        if topology.service:
            port = free_port()
            service = f"http://{HOST}:{port}"
            self._monolith["SCHEDULING_SERVICE_URL"] = service
            settings = {**self._scheduling, "SCHEDULING_PORT": str(port)}
            found.append(self._web("scheduling-web", "scheduling", port, topology.service, settings))
            found.append(self._background("scheduling-relay", "scheduling_service.relay", self._scheduling))
        for number, served in enumerate(topology.monoliths):
            port = free_port()
            for module in served.modules:
                self.hosts.setdefault(module, []).append(f"http://{HOST}:{port}")
            name = f"monolith-web-{number + 1}" if len(topology.monoliths) > 1 else "monolith-web"
            # A proxy would keep the public name; without one, each web answers for its own address.
            settings = {**self._monolith, "MONOLITH_PORT": str(port), "PUBLIC_URL": f"http://{HOST}:{port}"}
            found.append(self._web(name, "monolith", port, served.share, settings))
        found.append(self._background("monolith-worker", "monolith.worker", self._monolith))
        return found

    def _web(self, name: str, side: str, port: int, share: float, environment: dict[str, str]) -> Program:
        folder = self._ground.folder / f"metrics-{name}"
        self.metrics[name] = f"http://{HOST}:{port}/metrics"
        settings = {
            **environment,
            "WEB_WORKERS": "1",
            "WEB_THREADS": str(round(THREADS * share)),
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
        }
        application = "monolith.wsgi:app" if side == "monolith" else "scheduling_service.wsgi:app"
        return Program(
            name,
            ["-m", "gunicorn", "-c", str(GUNICORN / f"{side}.py"), application],
            settings,
            log=self._ground.folder / f"{name}.log",
            serves=_both(http_check(port, "/healthz"), http_check(port, "/readyz")),
        )

    def _background(self, name: str, module: str, environment: dict[str, str]) -> Program:
        program = Program(name, ["-m", module], environment, log=self._ground.folder / f"{name}.log")
        # It would finish what it does, and wait for what it listens to; nothing of it is kept.
        program.stop_signal = signal.SIGKILL
        return program


def _both(one: Callable[[], bool], other: Callable[[], bool]) -> Callable[[], bool]:
    return lambda: one() and other()


def _pid(pid: int | None) -> int:
    assert pid is not None, "it was started"
    return pid
