"""The highly available site: two Postgres clusters, etcd, Valkey with Sentinels, HAProxy, and two of each process."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import redis

from contracts.chassis.credentials import without_credentials
from deploy.databases.schemas import Target
from deploy.databases.set_up import set_up
from deploy.devstack.child import Child
from deploy.devstack.environment import (
    Backends,
    cutover_daemon_environment,
    monolith_environment,
    scheduling_environment,
)
from deploy.devstack.ports import HOST, free_port
from deploy.devstack.processes import GUNICORN
from deploy.devstack.program import Program, http_check
from deploy.devstack.valkey import Sentinel, ValkeyServer, sentinel_url
from deploy.errors import CommandError
from deploy.ha.balancer import FRONTENDS, Balancer
from deploy.ha.etcd import EtcdMember, etcd_cluster
from deploy.ha.patroni import PatroniMember, PostgresCluster, wait_until
from loadtests.harness.bench_servers import BenchServers
from loadtests.harness.servers import gunicorn
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases

DEPLOYMENTS = ("monolith", "scheduling")
REPLICAS = 2
_WEB = {"WEB_WORKERS": "1", "WEB_THREADS": "8", "WEB_DRAIN_SECONDS": "3"}


@dataclass
class RehearsalServers(BenchServers):
    """`size` is the number of members of each Postgres cluster: three, or two on a small machine."""

    size: int = 3
    etcd: list[EtcdMember] = field(init=False, default_factory=list)
    clusters: dict[str, PostgresCluster] = field(init=False, default_factory=dict)
    valkeys: list[ValkeyServer] = field(init=False, default_factory=list)
    sentinels: list[Sentinel] = field(init=False, default_factory=list)
    web_ports: dict[str, list[int]] = field(init=False)
    programs: dict[str, Program] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.web_ports = {deployment: [free_port() for _ in range(REPLICAS)] for deployment in DEPLOYMENTS}
        self._database_ports = {deployment: free_port() for deployment in DEPLOYMENTS}

    def start_backends(self) -> None:
        """Start etcd, both clusters, Valkey and its Sentinels, and the balancer; set both databases up."""
        self.etcd = etcd_cluster(self.folder)
        self._start_together(self.etcd)
        hosts = [f"{HOST}:{each.address.client_port}" for each in self.etcd]
        self.clusters = {name: PostgresCluster(self.folder, name, hosts, self.size) for name in DEPLOYMENTS}
        self._start_together([member for cluster in self.clusters.values() for member in cluster.members])
        self._start_valkey()
        self.start(self._balancer())
        for name, cluster in self.clusters.items():
            cluster.wait_until_complete()
            set_up(self.target(name))

    def start_product(self) -> None:
        """Start two of each web, worker, relay and cutover daemon."""
        monolith, scheduling, both = self._environments()
        for number in range(REPLICAS):
            for deployment, environment in (("monolith", monolith), ("scheduling", scheduling)):
                self._start_web(deployment, number, environment)
            for process, module, environment in (
                ("worker", "monolith.worker", monolith),
                ("relay", "scheduling_service.relay", scheduling),
                ("cutover-daemon", "monolith.cutover.daemon", both),
            ):
                name = f"{process}-{number + 1}"
                self._start_program(Program(name, ["-m", module], environment, log=self.folder / f"{name}.log"))

        for port in (self.public_port, self.settings.ports["SCHEDULING_PORT"]):
            wait_until(http_check(port, "/readyz"), f"the balancer's port {port} answers")

    def target(self, deployment: str) -> Target:
        """Return a database with an administrator's credentials, at the member that leads."""
        return self.database_of(deployment, self.clusters[deployment].url(deployment))

    @property
    def databases(self) -> SchedulingDatabases:
        """Both databases, at their direct URLs."""
        monolith, scheduling = (without_credentials(self.target(name).url) for name in DEPLOYMENTS)
        return SchedulingDatabases(
            SchedulingDatabase("monolith", monolith, self.keys.monolith_role_secret),
            SchedulingDatabase("scheduling", scheduling, self.keys.scheduling_role_secret),
        )

    @property
    def public_port(self) -> int:
        """The port of the balancer for customers."""
        return self.settings.ports["MONOLITH_PORT"]

    def leader(self, deployment: str) -> PatroniMember:
        """Return the member that leads. Raises CommandError if none does."""
        return self.clusters[deployment].leader()

    def leader_or_none(self, deployment: str) -> PatroniMember | None:
        """Return the member that leads; None while none does."""
        try:
            return self.leader(deployment)
        except CommandError:
            return None

    def valkey_primary(self) -> ValkeyServer:
        """Return the server that the Sentinels name."""
        port = self.valkey_primary_port()
        return next(each for each in self.valkeys if each.port == port)

    def valkey_primary_port(self) -> int | None:
        """Return the port of the primary that a Sentinel names; None while it names none that is up."""
        with redis.Redis(port=self.sentinels[0].port, decode_responses=True) as sentinel:
            state = sentinel.sentinel_master(Sentinel.service)
        return None if state["is_odown"] else int(state["port"])

    def _environments(self) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        backends = replace(self._backends(), redis_url=sentinel_url(self.sentinels))
        urls: dict[str, dict[str, str]] = {}
        for name in DEPLOYMENTS:
            prefix = f"{name.upper()}_DATABASE"
            urls[name] = {
                f"{prefix}_URL": f"postgresql://{HOST}:{self._database_ports[name]}/{name}",
                f"{prefix}_DIRECT_URL": without_credentials(self.target(name).url),
            }
        monolith = {**monolith_environment(self.settings, self.keys, backends), **urls["monolith"]}
        scheduling = {**scheduling_environment(self.settings, self.keys, backends), **urls["scheduling"]}
        both = {**cutover_daemon_environment(self.settings, self.keys, backends), **urls["monolith"]}
        # The standbys are synchronous, so the daemon may confirm a failover.
        both |= {**urls["scheduling"], "CUTOVER_FAILOVERS": "synchronous"}
        return monolith, scheduling, both

    def _backends(self) -> Backends:
        return self.backends({name: cluster.url(name) for name, cluster in self.clusters.items()})

    def _start_web(self, deployment: str, number: int, environment: dict[str, str]) -> None:
        port = self.web_ports[deployment][number]
        application = "monolith.wsgi:app" if deployment == "monolith" else "scheduling_service.wsgi:app"
        name = f"{deployment}-web-{number + 1}"
        settings = {**environment, **_WEB, f"{deployment.upper()}_PORT": str(port)}
        ready = [http_check(port, "/healthz")]
        self._start_program(
            gunicorn(name, application, GUNICORN / f"{deployment}.py", settings, folder=self.folder, ready=ready)
        )

    def _start_program(self, program: Program) -> None:
        self.programs[program.name] = program
        self.start(program)

    def _start_valkey(self) -> None:
        primary = ValkeyServer(self.folder / "valkey-1")
        replica = ValkeyServer(self.folder / "valkey-2", replica_of=primary.port)
        self.valkeys = [primary, replica]
        self.sentinels = [
            Sentinel(self.folder / f"sentinel-{number}", primary.port, quorum=2, down_after_ms=2_000)
            for number in (1, 2, 3)
        ]
        self._start_together([*self.valkeys, *self.sentinels])

    def _balancer(self) -> Balancer:
        servers: dict[str, tuple[int, int]] = {}
        for name, cluster in self.clusters.items():
            for number, member in enumerate(cluster.members, 1):
                servers[f"pg-{name}-{number}"] = (member.port, member.rest_port)
            for number, port in enumerate(self.web_ports[name], 1):
                servers[f"{name}-web-{number}"] = (port, port)
        ports = {
            "monolith database": self._database_ports["monolith"],
            "scheduling database": self._database_ports["scheduling"],
            "monolith": self.public_port,
            "scheduling": self.settings.ports["SCHEDULING_PORT"],
        }
        assert set(ports) == set(FRONTENDS.values())
        return Balancer(self.folder / "haproxy", ports, servers)

    def _start_together(self, servers: Sequence[Child]) -> None:
        for server in servers:
            self.running.callback(server.stop)
            server.launch()
        for server in servers:
            server.wait_until_ready()
