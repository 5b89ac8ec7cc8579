"""The worker, the relay or Valkey dies during a cutover: both sides settle, and every change has its one effect."""

from collections.abc import Iterator
from functools import partial

import psycopg
import pytest

from deploy.devstack.child import Child
from deploy.devstack.environment import scheduling_environment
from deploy.devstack.program import Program
from monolith.cutover import failpoints
from tests.cutover.deployment import Deployment, cut_over_repeatedly, running_deployment
from tests.polling import eventually

pytestmark = [pytest.mark.long, pytest.mark.row("F40")]

Victims = dict[str, Child]


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with running_deployment(web_workers=1) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def victims(deployment: Deployment) -> Victims:
    """Valkey, the monolith's worker (with its relay) and the service's relay."""
    servers = deployment.servers
    servers.start_valkey()
    assert servers.valkey is not None
    urls = servers.backends({name: server.admin_url(name) for name, server in servers.postgres.items()})
    programs = {
        "worker": ("monolith.worker", servers.monolith_environment()),
        "relay": ("scheduling_service.relay", scheduling_environment(servers.settings, servers.keys, urls)),
    }
    found: Victims = {"Valkey": servers.valkey}
    for name, (module, environment) in programs.items():
        found[name] = Program(name, ["-m", module], environment, log=servers.folder / f"{name}.log")
        servers.start(found[name])
    return found


@pytest.fixture(autouse=True)
def _no_hook() -> Iterator[None]:
    yield
    failpoints.hook = None


def strike_once(deployment: Deployment, victim: Child, point: str, struck: list[str], name: str) -> None:
    if name == point and not struck:
        struck.append(name)
        deployment.kill_server(victim)


@pytest.mark.parametrize("point", ["before fence", "after fence", "after decided"])
@pytest.mark.parametrize("victim", ["worker", "relay", "Valkey"])
def test_every_change_has_one_effect_after_a_kill(
    deployment: Deployment, victims: Victims, victim: str, point: str
) -> None:
    with deployment.traffic(rate=20.0) as period:
        for _ in range(2):
            struck = list[str]()
            failpoints.hook = partial(strike_once, deployment, victims[victim], point, struck)
            cut_over_repeatedly(deployment)
            assert struck
    assert period.clean
    eventually(lambda: not missing_effects(deployment), "an invoice of every booking")


def missing_effects(deployment: Deployment) -> set[tuple[object, int]]:
    """Return the appointments, with their version, whose last change billing has not applied.

    The inbox has one row per version; a change that is applied twice would violate its constraint.
    """
    with deployment.databases.at(deployment.owner).connect() as owner:
        changed = owner.execute(
            "SELECT appointment_id, version FROM scheduling.appointment"
            " WHERE business_id = %s AND booked_at > statement_timestamp() - interval '10 minutes'",
            (deployment.business_id,),
        ).fetchall()
    assert changed
    with psycopg.connect(deployment.servers.target("monolith").url) as monolith:
        applied = monolith.execute("SELECT appointment_id, version FROM billing.inbox").fetchall()
    return set(changed) - set(applied)
