"""A URL that names several servers: every kind of connection takes the one that is reachable."""

from contextlib import closing
from urllib.parse import urlsplit

from sqlalchemy import text

from contracts.chassis.credentials import role_url
from contracts.chassis.settings import database_url
from deploy.databases.check import check
from deploy.databases.schemas import monolith_target, scheduling_target
from deploy.databases.set_up import set_up
from deploy.devstack.ports import free_port
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases
from monolith.cutover.replication.direction import directions
from monolith.shared.database import ModuleDatabase
from scheduling_service.engine.database import EngineDatabase
from tests.databases import Databases


def failed_over(url: str) -> str:
    """Return the URL with an unreachable server before the real one, and with a requirement for the server's state."""
    parts = urlsplit(url)
    user, at, server = parts.netloc.rpartition("@")
    netloc = f"{user}{at}127.0.0.1:{free_port()},{server}"
    several = parts._replace(netloc=netloc, query="target_session_attrs=read-write").geturl()
    assert database_url({"URL": several}, "URL") == several
    return several


def test_set_up_and_check_use_the_reachable_server(databases: Databases) -> None:
    for target in (
        monolith_target(failed_over(databases.monolith_admin_url), databases.role_secret),
        scheduling_target(failed_over(databases.scheduling_admin_url), databases.role_secret),
    ):
        set_up(target)
        check(target)


def test_pools_use_the_reachable_server(databases: Databases) -> None:
    monolith = ModuleDatabase(
        failed_over(databases.monolith_url), role="platform_app", secret=databases.role_secret, pool_size=1
    )
    with closing(monolith), monolith.transaction() as connection:
        assert connection.execute(text("SELECT current_user")).scalar() == "platform_app"
    url = role_url(failed_over(databases.scheduling_url), "scheduling_app", databases.role_secret)
    EngineDatabase(url).ping()


def test_the_control_plane_and_replication_use_the_reachable_server(databases: Databases) -> None:
    found = SchedulingDatabases(
        monolith=SchedulingDatabase("monolith", failed_over(databases.monolith_url), databases.role_secret),
        scheduling=SchedulingDatabase("scheduling", failed_over(databases.scheduling_url), databases.role_secret),
    )
    with found.scheduling.connect() as connection:
        assert connection.execute("SELECT count(*) FROM scheduling.lease").fetchone() == (0,)
    for direction in directions(found.extraction):
        assert "target_session_attrs=read-write" in direction.connection
        assert ",127.0.0.1" in direction.connection
