"""Access of each running role to a database that `set_up` created."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from contracts.chassis.credentials import role_url
from deploy.databases.schemas import MONOLITH_SCHEMAS
from tests.databases import Databases

RUNNING_ROLES = [(schema.name, role) for schema in MONOLITH_SCHEMAS for role in schema.running_roles]


@pytest.fixture
def with_private_tables(databases: Databases) -> Iterator[Databases]:
    """A table in each schema with all grants, so that only the schema restricts access."""
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as connection:
        for schema in MONOLITH_SCHEMAS:
            connection.execute(f"SET ROLE {schema.owner}")
            connection.execute(f"CREATE TABLE {schema.name}.private AS SELECT 1 AS secret")
            connection.execute(f"GRANT ALL ON {schema.name}.private TO PUBLIC")
        yield databases


@pytest.mark.row("H5")
@pytest.mark.parametrize(("home", "role"), RUNNING_ROLES)
def test_role_reads_only_its_own_schema(with_private_tables: Databases, home: str, role: str) -> None:
    for schema in MONOLITH_SCHEMAS:
        if schema.name == home:
            assert read(with_private_tables, role, schema.name) == (1,)
        else:
            with pytest.raises(InsufficientPrivilege, match=f"permission denied for schema {schema.name}"):
                read(with_private_tables, role, schema.name)


@pytest.mark.parametrize(("home", "role"), RUNNING_ROLES)
def test_running_role_cannot_create_objects(databases: Databases, home: str, role: str) -> None:
    statements = [f"CREATE TABLE {home}.mine ()", "CREATE TABLE public.mine ()", "CREATE SCHEMA mine"]
    # A subscriber needs CREATE on the database, which also permits schemas.
    for statement in statements[:2] if role == "scheduling_replicator" else statements:
        with connect(databases, role) as connection, pytest.raises(InsufficientPrivilege):
            connection.execute(statement)


def test_owner_cannot_log_in(databases: Databases) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"authentication failed|not permitted"):
        connect(databases, "auth_owner")


def test_secret_of_another_deployment_cannot_log_in(databases: Databases) -> None:
    url = role_url(databases.monolith_url, "auth_app", "another secret")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_other_role_of_the_server_cannot_connect(databases: Databases) -> None:
    stranger = f"stranger_{secrets.token_hex(6)}"
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {stranger} LOGIN PASSWORD 'stranger'")
        try:
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(databases.monolith_admin_url, user=stranger, password="stranger")
        finally:
            connection.execute(f"DROP ROLE {stranger}")


def test_only_the_controller_changes_owners_and_no_role_reads_the_passwords_of_subscriptions(
    databases: Databases,
) -> None:
    forbidden = (
        "UPDATE cutover.ownership SET owner = 'scheduling', epoch = epoch + 1",
        "DELETE FROM cutover.ownership",
        "SELECT subconninfo FROM pg_subscription",
    )
    allowed = list[tuple[str, str]]()
    for _, role in RUNNING_ROLES:
        for statement in forbidden:
            with connect(databases, role) as connection:
                try:
                    connection.execute(statement)
                except InsufficientPrivilege:
                    continue
                allowed.append((role, statement))
                connection.rollback()
    assert allowed == [("cutover_controller", forbidden[0])]


def connect(databases: Databases, role: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(role_url(databases.monolith_url, role, databases.role_secret))


def read(databases: Databases, role: str, schema: str) -> tuple[object, ...] | None:
    with connect(databases, role) as connection:
        return connection.execute(f"SELECT secret FROM {schema}.private").fetchone()
