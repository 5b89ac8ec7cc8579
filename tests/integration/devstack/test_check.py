"""`check` explains why the product cannot run on a database."""

import dataclasses

import psycopg
import pytest

from deploy.databases.check import check
from deploy.databases.schemas import Target, scheduling_target
from deploy.errors import CommandError
from tests.databases import Databases


@pytest.fixture
def target(databases: Databases) -> Target:
    return scheduling_target(databases.scheduling_admin_url, databases.role_secret)


def test_database_passes_after_set_up(target: Target) -> None:
    check(target)


def test_outdated_schema_is_named_with_the_remedy(target: Target) -> None:
    with psycopg.connect(target.url) as connection:
        connection.execute("UPDATE scheduling.alembic_version SET version_num = 'older'")
    with pytest.raises(CommandError, match=r"schema scheduling .* run `extraction db setup scheduling`"):
        check(target)


def test_unmigrated_database_is_named_with_the_remedy(target: Target) -> None:
    with psycopg.connect(target.url) as connection:
        connection.execute("DROP SCHEMA scheduling CASCADE")
    with pytest.raises(CommandError, match=r"schema scheduling .* run `extraction db setup scheduling`"):
        check(target)


def test_wrong_role_secret_is_named_with_the_role(target: Target) -> None:
    with pytest.raises(CommandError, match=r"role scheduling_app cannot log in to .* DATABASE_ROLE_SECRET"):
        check(dataclasses.replace(target, role_secret="another"))


def test_missing_database_is_an_error(target: Target) -> None:
    missing = dataclasses.replace(target, url=f"{target.url}_missing")
    with pytest.raises(CommandError, match=r"_missing.* does not exist.*SCHEDULING_DATABASE_URL"):
        check(missing)


def test_running_roles_can_read_the_schema_version(target: Target) -> None:
    with psycopg.connect(target.url, autocommit=True) as connection:
        for role in target.running_roles:
            connection.execute(f"SET ROLE {role}")
            assert connection.execute("SELECT count(*) FROM scheduling.alembic_version").fetchone() == (1,)
            connection.execute("RESET ROLE")
