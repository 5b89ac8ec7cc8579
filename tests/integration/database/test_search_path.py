"""No role makes another one call functions of its own."""

from urllib.parse import urlsplit

import psycopg
import pytest

from contracts.chassis.credentials import role_url
from deploy.databases.roles import SEARCH_PATH
from deploy.databases.schemas import monolith_target, scheduling_target
from deploy.databases.set_up import connect, set_up
from monolith.cutover.databases import REPLICATOR
from tests.databases import Databases


@pytest.mark.parametrize("victim", ["auth_app", "scheduling_operator"])
def test_schema_named_like_another_role_has_no_effect(databases: Databases, victim: str) -> None:
    """The replicator may create schemas, since a subscription requires the privilege."""
    with psycopg.connect(role_url(databases.monolith_url, REPLICATOR, databases.role_secret), autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {victim}")
        db.execute(f"CREATE FUNCTION {victim}.hijacked() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        db.execute(f"GRANT USAGE ON SCHEMA {victim} TO PUBLIC")
    with psycopg.connect(role_url(databases.monolith_url, victim, databases.role_secret)) as db:
        assert db.execute(f"SELECT {victim}.hijacked()").fetchone() == (1,)
        with pytest.raises(psycopg.errors.UndefinedFunction):
            db.execute("SELECT hijacked()")


def test_sessions_of_administrators_have_the_same_path(databases: Databases) -> None:
    name = urlsplit(databases.monolith_url).path[1:]
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as db:
        assert db.execute("SHOW search_path").fetchone() == (SEARCH_PATH,)
        db.execute(f"ALTER DATABASE {name} RESET search_path")
    target = monolith_target(databases.monolith_admin_url, databases.role_secret)
    with connect(target) as db:
        assert db.execute("SHOW search_path").fetchone() == (SEARCH_PATH,)
    set_up(target)
    with psycopg.connect(databases.monolith_admin_url) as db:
        assert db.execute("SHOW search_path").fetchone() == (SEARCH_PATH,)


def test_every_running_role_has_the_path_in_each_database(databases: Databases) -> None:
    for target, url in (
        (monolith_target(databases.monolith_admin_url, databases.role_secret), databases.monolith_url),
        (scheduling_target(databases.scheduling_admin_url, databases.role_secret), databases.scheduling_url),
    ):
        for role in target.running_roles:
            with psycopg.connect(role_url(url, role, databases.role_secret)) as db:
                assert db.execute("SHOW search_path").fetchone() == (SEARCH_PATH,), role
