"""Databases prepared once, with businesses, customers and sessions; each run uses copies of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from deploy.databases.set_up import set_up
from deploy.errors import CommandError
from loadtests.generator.api_client import LoadError
from loadtests.generator.businesses import LoadBusiness, open_business
from loadtests.generator.workload import ANY_MODULE, SignedInBusiness, sign_in_all
from loadtests.harness.tenants import confirm_addresses
from loadtests.lab.planning.arms import BASELINE
from loadtests.lab.results.model import Remedy
from loadtests.lab.servers.booking_history import add_history
from loadtests.lab.servers.follow_up import wait_for_follow_up
from loadtests.lab.servers.lab_servers import LabServers
from loadtests.lab.servers.running_arm import running_arm
from loadtests.lab.servers.topologies import TOPOLOGIES, Topology
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore

BUSINESSES = 3
CUSTOMERS, VISITORS = 8, 3
SETTLING_SECONDS = 20.0

_PREPARED_BY: dict[str, str] = {"inside": "M1", "split": "MD", "apart": "X", "together": "XS"}
"""The arm through whose public API the businesses of a template are opened."""


@dataclass(frozen=True)
class PreparedArm:
    """An arm that can be started on copies of its template; `businesses` are in that template."""

    topology: Topology
    businesses: list[SignedInBusiness]


def prepare_arms(
    arms: Sequence[str], remedies: Mapping[str, Remedy], servers: LabServers, report: Callable[[str], None]
) -> dict[str, PreparedArm]:
    """Create the templates that these arms need, and apply custom remedies. Raises CommandError."""
    topologies = {arm: _topology(arm, remedies) for arm in arms}
    businesses: dict[str, list[SignedInBusiness]] = {}
    for arm, topology in topologies.items():
        base = TOPOLOGIES[BASELINE if arm in remedies else arm].template
        if base not in businesses:
            businesses[base] = _create_template(base, TOPOLOGIES[_PREPARED_BY[base]], servers, report)
        if topology.template not in businesses:
            report(f"applying the remedy of {arm}")
            _apply_remedy(arm, remedies[arm].sql, base, topology, servers)
            businesses[topology.template] = businesses[base]
    return {arm: PreparedArm(topology, businesses[topology.template]) for arm, topology in topologies.items()}


def _topology(arm: str, remedies: Mapping[str, Remedy]) -> Topology:
    if arm not in remedies:
        return TOPOLOGIES[arm]
    base, remedy = TOPOLOGIES[BASELINE], remedies[arm]
    template = f"{base.template}_{list(remedies).index(arm)}" if remedy.sql else base.template
    return base._replace(template=template, settings=remedy.settings)


def _apply_remedy(arm: str, sql: str, base: str, topology: Topology, servers: LabServers) -> None:
    """Apply the SQL to a copy of the base template, which becomes the arm's template."""
    for deployment, server in topology.placement.items():
        servers.copy_database(deployment, server, base, topology.template)
    try:
        with servers.administrator(topology.placement["monolith"], f"{topology.template}_monolith") as connection:
            connection.execute(sql.encode())
            connection.execute("ANALYZE")
    except psycopg.Error as error:
        raise CommandError(f"the remedy of {arm} cannot be applied: {' '.join(str(error).split())}") from error


def _create_template(
    name: str, topology: Topology, servers: LabServers, report: Callable[[str], None]
) -> list[SignedInBusiness]:
    report(f"preparing the databases for {_PREPARED_BY[name]}")
    try:
        for deployment, server in topology.placement.items():
            set_up(servers.target(deployment, server, f"{name}_{deployment}"))
        if topology.service:
            _assign_new_businesses_to_the_service(servers, name)
        side = "http" if topology.service else "in_process"
        with running_arm(topology, servers, name) as arm:
            host = arm.hosts[ANY_MODULE][0]
            businesses = sign_in_all(host, [_open(host, number, side) for number in range(BUSINESSES)])
            with servers.administrator(topology.placement["monolith"], f"{name}_monolith") as monolith:
                confirm_addresses(monolith)
            # Unfinished background work would be repeated in every run.
            wait_for_follow_up(servers, topology, name, seconds=SETTLING_SECONDS)
        with servers.administrator(topology.placement[topology.owner], f"{name}_{topology.owner}") as db:
            add_history(db)
        return businesses
    except (LoadError, psycopg.Error) as error:
        raise CommandError(f"the databases for {_PREPARED_BY[name]} could not be prepared: {error}") from error


def _open(host: str, number: int, side: str) -> LoadBusiness:
    return open_business(host, f"lab-{number}", side, customers=CUSTOMERS, visitors=VISITORS)


def _assign_new_businesses_to_the_service(servers: LabServers, name: str) -> None:
    target = servers.target("monolith", "main", f"{name}_monolith")
    platform = ModuleDatabase(target.url, role="platform_app", secret=servers.keys.monolith_role_secret, pool_size=1)
    try:
        FlagStore(platform).set(
            SCHEDULING_ADAPTER, "http", business_id=None, actor="lab", reason="this topology has the extracted service"
        )
    finally:
        platform.close()
