"""The processes of each arm, with their threads, the modules they serve and the placement of their databases.

Within a comparison every arm has the same number of threads in total, and each thread has its own connections; all of
an arm's servers share one processor core.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from loadtests.generator.workload import ANY_MODULE
from loadtests.lab.servers.lab_servers import DatabasePlacement, DatabaseServer, Deployment

THREADS: Final = 32
"""Threads of all web processes of an arm together: enough for the requests that wait for a full database."""

FRONT_WEB, SCHEDULING_WEB = "front-web", "scheduling-web"


class MonolithWeb(NamedTuple):
    """A web process of the monolith: its share of the threads, and the modules whose requests it receives."""

    share: float
    modules: tuple[str, ...] = (ANY_MODULE,)

    @property
    def role(self) -> str:
        return FRONT_WEB if ANY_MODULE in self.modules else SCHEDULING_WEB


class Topology(NamedTuple):
    """The processes and databases of an arm.

    `template` names the prepared databases. `service` is the extracted service's share of the threads, 0 without a
    service. `front` is the front web's share of the web processes' processor time, where scheduling has a web process
    of its own. `settings` are additional settings of the monolith's processes. The budgets of the database servers and
    of the worker are multiples of the scenario's. `replica` adds a streaming replica of the server "main" for searches.
    """

    template: str
    placement: DatabasePlacement
    monoliths: tuple[MonolithWeb, ...]
    service: float = 0.0
    front: float = 1.0
    settings: Mapping[str, str] = {}
    database_budgets: int = 1
    worker_budgets: int = 1
    replica: bool = False

    @property
    def servers(self) -> list[DatabaseServer]:
        """The Postgres servers."""
        replicas: list[DatabaseServer] = ["replica"] if self.replica else []
        return [*dict.fromkeys(self.placement.values()), *replicas]

    @property
    def owner(self) -> Deployment:
        """The deployment whose database holds the appointments."""
        return "scheduling" if "scheduling" in self.placement else "monolith"

    @property
    def own_engine_database(self) -> bool:
        """Whether the engine in the monolith's process has a database of its own."""
        return "scheduling" in self.placement and not self.service

    @property
    def web_shares(self) -> dict[str, float]:
        """The shares of the web roles in their processor time."""
        own = bool(self.service) or any(web.role == SCHEDULING_WEB for web in self.monoliths)
        return {FRONT_WEB: self.front, SCHEDULING_WEB: 1 - self.front} if own else {FRONT_WEB: 1.0}


_MONOLITH_ONLY: DatabasePlacement = {"monolith": "main"}
_TWO_SERVERS: DatabasePlacement = {"monolith": "main", "scheduling": "scheduling"}
_ONE_WEB = (MonolithWeb(1),)
_BULKHEAD = (MonolithWeb(0.5), MonolithWeb(0.5, ("scheduling",)))

# A request to scheduling passes the front web only where there is a service. Where there is none, scheduling's web
# process does all of the work on it, and gets the larger share.
_FRONT_OF_BULKHEAD, _FRONT_OF_SERVICE = 0.4, 0.55

# A call of the service holds a thread of the front web while it waits, and the service needs only as many threads as
# keep its database busy. The other modules always find a thread: the adapter admits fewer calls than there are.
_FRONT_THREADS, _SERVICE_THREADS, _CALLS_AT_ONCE = 26 / THREADS, 6 / THREADS, 20
_SERVICE_FRONT = (MonolithWeb(_FRONT_THREADS),)
_SERVICE_SETTINGS = {"SCHEDULING_CALLS_AT_ONCE": str(_CALLS_AT_ONCE)}

TOPOLOGIES: Mapping[str, Topology] = {
    "M1": Topology("inside", _MONOLITH_ONLY, _ONE_WEB),
    "M1'": Topology("inside", _MONOLITH_ONLY, _ONE_WEB),
    "MC": Topology("inside", _MONOLITH_ONLY, _ONE_WEB, settings={"AVAILABILITY_CACHE_SECONDS": "2"}),
    "MW": Topology("inside", _MONOLITH_ONLY, _ONE_WEB, worker_budgets=2),
    "MB": Topology("inside", _MONOLITH_ONLY, _BULKHEAD, front=_FRONT_OF_BULKHEAD),
    "M2": Topology("inside", _MONOLITH_ONLY, (MonolithWeb(0.5), MonolithWeb(0.5))),
    "MR": Topology("inside", _MONOLITH_ONLY, _ONE_WEB, replica=True),
    "MV": Topology("inside", _MONOLITH_ONLY, _ONE_WEB, database_budgets=2),
    "MBV": Topology("inside", _MONOLITH_ONLY, _BULKHEAD, front=_FRONT_OF_BULKHEAD, database_budgets=2),
    "MD": Topology("split", _TWO_SERVERS, _ONE_WEB),
    "XI": Topology("split", _TWO_SERVERS, _BULKHEAD, front=_FRONT_OF_BULKHEAD),
    "XS": Topology(
        "together",
        {"monolith": "main", "scheduling": "main"},
        _SERVICE_FRONT,
        service=_SERVICE_THREADS,
        front=_FRONT_OF_SERVICE,
        settings=_SERVICE_SETTINGS,
    ),
    "X": Topology(
        "apart",
        _TWO_SERVERS,
        _SERVICE_FRONT,
        service=_SERVICE_THREADS,
        front=_FRONT_OF_SERVICE,
        settings=_SERVICE_SETTINGS,
    ),
}
