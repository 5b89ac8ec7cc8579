"""Databases prepared once, with businesses, people and sessions, that every run gets a copy of."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from deploy.databases.set_up import set_up
from deploy.errors import SurroundingsError
from deploy.lab.ground import Ground
from deploy.lab.topologies import TOPOLOGIES, Topology, running
from loadtests.businesses import Business, LoadError, open_business
from loadtests.playing import EVERY_MODULE, Opened, sign_in_everybody
from monolith.shared.database import Database
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore

BUSINESSES = 3
CUSTOMERS, VISITORS = 8, 3

_MADE_BY: dict[str, str] = {"inside": "M1", "apart": "X", "together": "XS"}
"""The arm that a template's businesses are opened with, through its own public API."""


@dataclass(frozen=True)
class Template:
    """`opened` are the same people in every copy."""

    name: str
    opened: list[Opened]


def prepare(names: list[str], ground: Ground, say: Callable[[str], None]) -> dict[str, Template]:
    """Raises SurroundingsError."""
    return {name: _prepare(name, TOPOLOGIES[_MADE_BY[name]], ground, say) for name in names}


def _prepare(name: str, topology: Topology, ground: Ground, say: Callable[[str], None]) -> Template:
    say(f"preparing the databases for {_MADE_BY[name]}")
    try:
        for deployment, server in topology.home.items():
            set_up(ground.target(deployment, server, f"{name}_{deployment}"))
        if topology.service:
            _let_new_businesses_be_extracted(ground, name)
        side = "http" if topology.service else "in_process"
        with running(topology, ground, name) as arm:
            host = arm.hosts[EVERY_MODULE][0]
            opened = sign_in_everybody(host, [_open(host, number, side) for number in range(BUSINESSES)])
    except (LoadError, psycopg.Error) as error:
        raise SurroundingsError(f"the databases for {_MADE_BY[name]} could not be prepared: {error}") from error
    return Template(name, opened)


def _open(host: str, number: int, side: str) -> Business:
    return open_business(host, f"lab-{number}", side, customers=CUSTOMERS, visitors=VISITORS)


def _let_new_businesses_be_extracted(ground: Ground, name: str) -> None:
    target = ground.target("monolith", "main", f"{name}_monolith")
    platform = Database(target.url, role="platform_app", secret=ground.keys.monolith_role_secret, pool_size=1)
    try:
        FlagStore(platform).set(
            SCHEDULING_ADAPTER, "http", business_id=None, actor="lab", reason="this topology has it extracted"
        )
    finally:
        platform.close()
