"""Databases prepared once, with businesses, people and sessions, that every run gets a copy of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from deploy.databases.set_up import set_up
from deploy.errors import CommandError
from loadtests.generator.businesses import LoadBusiness, LoadError, open_business
from loadtests.generator.workload import ANY_MODULE, SignedInBusiness, sign_in_all
from loadtests.lab.planning.arms import BASELINE
from loadtests.lab.results.model import Remedy
from loadtests.lab.servers.lab_servers import LabServers
from loadtests.lab.servers.quiesce import wait_until_idle
from loadtests.lab.servers.topologies import TOPOLOGIES, Topology, running_arm
from monolith.shared.database import Database
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore

BUSINESSES = 3
CUSTOMERS, VISITORS = 8, 3

_MADE_BY: dict[str, str] = {"inside": "M1", "apart": "X", "together": "XS"}
"""The arm that a template's businesses are opened with, through its own public API."""


@dataclass(frozen=True)
class PreparedArm:
    """An arm that only has to be started: on copies of the databases that its topology names. `opened` are the people
    in them."""

    topology: Topology
    opened: list[SignedInBusiness]


def prepare_arms(
    arms: Sequence[str], remedies: Mapping[str, Remedy], ground: LabServers, say: Callable[[str], None]
) -> dict[str, PreparedArm]:
    """All that these arms start from, by arm. Raises CommandError."""
    topologies = {arm: _topology(arm, remedies) for arm in arms}
    opened: dict[str, list[SignedInBusiness]] = {}
    for arm, topology in topologies.items():
        base = TOPOLOGIES[BASELINE if arm in remedies else arm].template
        if base not in opened:
            opened[base] = _prepare(base, TOPOLOGIES[_MADE_BY[base]], ground, say)
        if topology.template not in opened:
            say(f"applying the remedy of {arm}")
            _apply(arm, remedies[arm].sql, base, topology, ground)
            opened[topology.template] = opened[base]
    return {arm: PreparedArm(topology, opened[topology.template]) for arm, topology in topologies.items()}


def _topology(arm: str, remedies: Mapping[str, Remedy]) -> Topology:
    if arm not in remedies:
        return TOPOLOGIES[arm]
    base, remedy = TOPOLOGIES[BASELINE], remedies[arm]
    template = f"{base.template}_{list(remedies).index(arm)}" if remedy.sql else base.template
    return base._replace(template=template, settings=remedy.settings)


def _apply(arm: str, sql: str, base: str, topology: Topology, ground: LabServers) -> None:
    """To a copy that the arm's runs are copied from, so that it takes none of their time."""
    for deployment, server in topology.home.items():
        ground.copy(deployment, server, base, topology.template)
    try:
        with ground.administrator(topology.home["monolith"], f"{topology.template}_monolith") as connection:
            connection.execute(sql.encode())
            connection.execute("ANALYZE")
    except psycopg.Error as error:
        raise CommandError(f"the remedy of {arm} cannot be applied: {' '.join(str(error).split())}") from error


def _prepare(name: str, topology: Topology, ground: LabServers, say: Callable[[str], None]) -> list[SignedInBusiness]:
    say(f"preparing the databases for {_MADE_BY[name]}")
    try:
        for deployment, server in topology.home.items():
            set_up(ground.target(deployment, server, f"{name}_{deployment}"))
        if topology.service:
            _let_new_businesses_be_extracted(ground, name)
        side = "http" if topology.service else "in_process"
        with running_arm(topology, ground, name) as arm:
            host = arm.hosts[ANY_MODULE][0]
            opened = sign_in_all(host, [_open(host, number, side) for number in range(BUSINESSES)])
            # What it left undone, every run would do anew.
            wait_until_idle(arm.pids)
            return opened
    except (LoadError, psycopg.Error) as error:
        raise CommandError(f"the databases for {_MADE_BY[name]} could not be prepared: {error}") from error


def _open(host: str, number: int, side: str) -> LoadBusiness:
    return open_business(host, f"lab-{number}", side, customers=CUSTOMERS, visitors=VISITORS)


def _let_new_businesses_be_extracted(ground: LabServers, name: str) -> None:
    target = ground.target("monolith", "main", f"{name}_monolith")
    platform = Database(target.url, role="platform_app", secret=ground.keys.monolith_role_secret, pool_size=1)
    try:
        FlagStore(platform).set(
            SCHEDULING_ADAPTER, "http", business_id=None, actor="lab", reason="this topology has it extracted"
        )
    finally:
        platform.close()
