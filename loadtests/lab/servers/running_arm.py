"""The running processes of an arm, each in the control group of its role."""

import contextlib
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from contracts.chassis.credentials import without_credentials
from deploy.devstack.environment import Backends, monolith_environment, scheduling_environment
from deploy.devstack.ports import HOST, free_port
from deploy.devstack.processes import GUNICORN
from deploy.devstack.program import Program, http_check
from loadtests.harness.cpu_budgets import CpuBudget, cpu_budgets
from loadtests.harness.servers import gunicorn, running_pid
from loadtests.lab.servers.lab_servers import DatabaseServer, LabServers
from loadtests.lab.servers.topologies import SCHEDULING_WEB, THREADS, Topology

WORKER, RELAY, VALKEY = "worker", "relay", "valkey"


def postgres_role(server: DatabaseServer) -> str:
    return f"postgres-{server}"


@dataclass
class RunningArm:
    """Base addresses by module, as in `Workload.hosts`; programs by name; metrics pages by program.

    `prefix` begins the names of its databases. `roles` are the roles of the programs. `budgets` are by role, and empty
    where the machine has none.
    """

    topology: Topology
    servers: LabServers
    prefix: str
    hosts: dict[str, list[str]] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    budgets: Mapping[str, CpuBudget] = field(default_factory=dict)

    def pids(self) -> dict[str, list[int]]:
        """Return the process ids of the running servers by role."""
        found = dict[str, list[int]]()
        for name, program in self.programs.items():
            if program.pid is not None:
                found.setdefault(self.roles[name], []).append(program.pid)
        for server in self.topology.servers:
            found[postgres_role(server)] = [self.servers.postgres_pid(server)]
        assert self.servers.valkey is not None, "it was started"
        found[VALKEY] = [running_pid(self.servers.valkey)]
        return found

    def confine(self) -> None:
        """Pin all processes to the servers' core, and put each into the group of its role; also after restarts."""
        for role, pids in self.pids().items():
            self.servers.cores.pin_servers(pids)
            if role in self.budgets:
                self.budgets[role].add(pids)

    @contextlib.contextmanager
    def without_budgets(self) -> Iterator[None]:
        """Lift the budgets within the block, for work that is not measured."""
        for budget in self.budgets.values():
            budget.lift()
        yield
        for budget in self.budgets.values():
            budget.impose()

    def programs_of(self, role: str) -> list[Program]:
        return [program for name, program in self.programs.items() if self.roles[name] == role]


@contextlib.contextmanager
def running_arm(
    topology: Topology, servers: LabServers, prefix: str, cores: Mapping[str, float] | None = None
) -> Iterator[RunningArm]:
    """Run the arm's processes within the block, on the databases named by `prefix`.

    `cores` are the budgets by role; without them the arm's processes share the servers' core. Raises CommandError.
    """
    arm = RunningArm(topology, servers, prefix)
    _ArmPrograms(arm, servers.placed_backends(topology.placement, prefix)).build()
    with contextlib.ExitStack() as stack:
        # Removed after the programs have stopped.
        label = f"{servers.folder.name}-"
        arm.budgets = stack.enter_context(cpu_budgets(cores, label)) if cores else {}
        programs = list(arm.programs.values())
        for program in programs:
            stack.callback(program.stop)
        # Start on all cores and without quotas, since starting is not measured.
        for program in programs:
            program.launch()
        for program in programs:
            program.wait_until_ready()
        # The callbacks run in reverse order: every program gets its stop signal before the first is waited for.
        for program in programs:
            stack.callback(program.request_stop)
        # Stopping is not measured either, and a throttled process stops slowly.
        for budget in arm.budgets.values():
            stack.callback(budget.lift)
        arm.confine()
        yield arm


class _ArmPrograms:
    def __init__(self, arm: RunningArm, backends: Backends) -> None:
        self._arm = arm
        self._servers = arm.servers
        topology, keys = arm.topology, arm.servers.keys
        # Set for every arm, so that the shell's environment gives no arm a cache.
        without_remedies = {"AVAILABILITY_CACHE_SECONDS": "0"}
        self._monolith = {
            **monolith_environment(self._servers.settings, keys, backends),
            **without_remedies,
            **topology.settings,
        }
        self._scheduling = scheduling_environment(self._servers.settings, keys, backends)
        if topology.replica:
            self._monolith["SEARCH_REPLICA_URL"] = self._replica_url(arm.prefix)
        if topology.own_engine_database:
            self._monolith["IN_PROCESS_DATABASE_URL"] = self._scheduling["SCHEDULING_DATABASE_URL"]

    def _replica_url(self, prefix: str) -> str:
        return without_credentials(self._servers.postgres["replica"].admin_url(f"{prefix}_monolith"))

    def build(self) -> None:
        topology = self._arm.topology
        if topology.service:
            port = free_port()
            self._monolith["SCHEDULING_SERVICE_URL"] = f"http://{HOST}:{port}"
            settings = {**self._scheduling, "SCHEDULING_PORT": str(port)}
            self._add_web("scheduling-web", SCHEDULING_WEB, port, topology.service, settings)
            self._add_background("scheduling-relay", RELAY, "scheduling_service.relay", self._scheduling)
        for number, web in enumerate(topology.monoliths):
            port = free_port()
            for module in web.modules:
                self._arm.hosts.setdefault(module, []).append(f"http://{HOST}:{port}")
            name = f"monolith-web-{number + 1}" if len(topology.monoliths) > 1 else "monolith-web"
            # There is no proxy that would preserve the public name, so each web process has its own public URL.
            settings = {**self._monolith, "MONOLITH_PORT": str(port), "PUBLIC_URL": f"http://{HOST}:{port}"}
            self._add_web(name, web.role, port, web.share, settings)
        self._add_background("monolith-worker", WORKER, "monolith.worker", self._monolith)

    def _add_web(self, name: str, role: str, port: int, share: float, environment: dict[str, str]) -> None:
        self._arm.metrics[name] = f"http://{HOST}:{port}/metrics"
        settings = {
            **environment,
            "WEB_WORKERS": "1",
            "WEB_THREADS": str(round(THREADS * share)),
            "PROMETHEUS_MULTIPROC_DIR": str(self._servers.folder / f"metrics-{name}"),
        }
        deployment = "scheduling" if name == "scheduling-web" else "monolith"
        application = "monolith.wsgi:app" if deployment == "monolith" else "scheduling_service.wsgi:app"
        self._add(
            role,
            gunicorn(
                name,
                application,
                GUNICORN / f"{deployment}.py",
                settings,
                folder=self._servers.folder,
                ready=[http_check(port, "/healthz"), http_check(port, "/readyz")],
            ),
        )

    def _add_background(self, name: str, role: str, module: str, environment: dict[str, str]) -> None:
        program = Program(name, ["-m", module], environment, log=self._servers.folder / f"{name}.log")
        # A graceful stop would take long, and its databases are dropped anyway.
        program.stop_signal = signal.SIGKILL
        self._add(role, program)

    def _add(self, role: str, program: Program) -> None:
        self._arm.programs[program.name] = program
        self._arm.roles[program.name] = role
