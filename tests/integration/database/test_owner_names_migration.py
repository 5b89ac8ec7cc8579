"""Rows of release 2.0 are migrated: owners get the names of the databases, and the tables move to schema `cutover`."""

from uuid import UUID, uuid4

import psycopg
import pytest
from alembic import command
from psycopg import errors as pg
from psycopg.types.json import Jsonb

from deploy.databases.migrate import alembic_config, migrate, open_connection
from deploy.databases.roles import create_schema
from deploy.databases.schemas import MONOLITH_SCHEMAS
from tests.databases import Databases

PLATFORM, CUTOVER = (
    next(schema for schema in MONOLITH_SCHEMAS if schema.name == name) for name in ("platform", "cutover")
)


@pytest.fixture
def version_3(databases: Databases) -> str:
    """An administrator's URL of a monolith database whose platform schema has version 0003, without rows."""
    url = databases.monolith_admin_url
    with psycopg.connect(url, autocommit=True) as administrator:
        for schema in (PLATFORM, CUTOVER):
            administrator.execute(f"DROP SCHEMA {schema.name} CASCADE")
            create_schema(administrator, schema)
    with open_connection(url) as connection:
        config = alembic_config(PLATFORM)
        config.attributes.update(connection=connection, schema=PLATFORM.name, owner=PLATFORM.owner)
        command.upgrade(config, "0003")
        connection.commit()
    return url


def insert_business(url: str, owner: str, former: str) -> UUID:
    """A business that was cut over from `former` to `owner`, with a guard and audit entries."""
    business, cutover = uuid4(), uuid4()
    with psycopg.connect(url, autocommit=True) as administrator:
        run = administrator.execute
        run(
            "INSERT INTO platform.ownership (business_id, owner, epoch, attempt) VALUES (%s, %s, 2, 1)",
            (business, owner),
        )
        run(
            """
            INSERT INTO platform.cutover (cutover_id, business_id, source, target, epoch, attempt, state, fence_seconds,
                                          actor, reason, settled_at)
            VALUES (%s, %s, %s, %s, 1, 1, 'active', 2, 'cli:ann', '', now())
            """,
            (cutover, business, former, owner),
        )
        run(
            """
            INSERT INTO platform.guard (guard_id, business_id, cutover_id, home, most_failed, p95_ms, for_seconds,
                                        until)
            VALUES (gen_random_uuid(), %s, %s, %s, 0.1, 500, 3, now())
            """,
            (business, cutover, former),
        )
        run(
            "INSERT INTO platform.flag (key, business_id, value) VALUES ('scheduling.adapter', %s, %s)",
            (business, owner),
        )
        run(
            """
            INSERT INTO platform.audit (audit_id, actor, action, subject, before, after, reason)
            VALUES (gen_random_uuid(), 'cli:ann', 'cutover.decided', %s, %s, %s, '')
            """,
            (f"business:{business}", Jsonb(former), Jsonb(owner)),
        )
    return business


def test_owners_are_renamed_and_flags_and_audit_entries_are_kept(version_3: str) -> None:
    extracted = insert_business(version_3, owner="http", former="in_process")
    returned = insert_business(version_3, owner="in_process", former="http")
    migrate(version_3, PLATFORM)
    migrate(version_3, CUTOVER)
    with psycopg.connect(version_3) as administrator:
        found = administrator.execute(
            """
            SELECT o.business_id, o.owner, o.epoch, c.source, c.target, g.home, f.value, a.before, a.after
              FROM cutover.ownership o
              JOIN cutover.cutover c USING (business_id)
              JOIN cutover.rollback_policy g USING (business_id)
              JOIN platform.flag f USING (business_id)
              JOIN platform.audit a ON a.subject = 'business:' || o.business_id
            """
        ).fetchall()
    assert {row[0]: row[1:] for row in found} == {
        extracted: ("scheduling", 2, "monolith", "scheduling", "monolith", "http", "in_process", "http"),
        returned: ("monolith", 2, "scheduling", "monolith", "scheduling", "in_process", "http", "in_process"),
    }


def test_example_of_a_difference_names_the_database(version_3: str) -> None:
    with psycopg.connect(version_3, autocommit=True) as administrator:
        administrator.execute(
            "INSERT INTO platform.shadow_read (operation, began_at, example) VALUES ('get_agenda', now(), %s)",
            (Jsonb({"owner_side": "http", "operation": "get_agenda"}),),
        )
    migrate(version_3, PLATFORM)
    migrate(version_3, CUTOVER)
    with psycopg.connect(version_3) as administrator:
        found = administrator.execute("SELECT example FROM cutover.shadow_read").fetchall()
    assert found == [({"owner_side": "scheduling", "operation": "get_agenda"},)]


@pytest.mark.parametrize("owner", ["in_process", "http", "elsewhere"])
def test_unknown_owner_is_refused(databases: Databases, owner: str) -> None:
    with psycopg.connect(databases.monolith_admin_url) as administrator, pytest.raises(pg.ForeignKeyViolation):
        administrator.execute(
            "INSERT INTO cutover.ownership (business_id, owner, epoch) VALUES (%s, %s, 1)", (uuid4(), owner)
        )
