"""Appointments from before claims existed get claims, so that later bookings cannot overlap them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from psycopg import errors as pg
from psycopg.types.range import TimestamptzRange

from deploy.databases.migrate import alembic_config, migrate, open_connection
from deploy.databases.schemas import SCHEDULING
from tests.databases import Databases

NINE = datetime(2040, 6, 4, 9, tzinfo=UTC)


@pytest.fixture
def of_version_1(databases: Databases) -> str:
    """Administrator URL of a database with the empty scheduling schema of release 0.1."""
    url = databases.scheduling_admin_url
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute("DROP SCHEMA scheduling CASCADE")
        administrator.execute("CREATE SCHEMA scheduling AUTHORIZATION scheduling_owner")
    with open_connection(url) as connection:
        config = alembic_config(SCHEDULING)
        config.attributes.update(connection=connection, schema=SCHEDULING.name, owner=SCHEDULING.owner)
        command.upgrade(config, "0001")
        connection.commit()
    return url


def test_migration_adds_a_claim_for_every_booked_appointment(of_version_1: str) -> None:
    business, offering, provider, booked, cancelled = (uuid4() for _ in range(5))
    with psycopg.connect(of_version_1, autocommit=True) as administrator:
        run = administrator.execute
        run("INSERT INTO scheduling.lease VALUES (%s, true, 1)", (business,))
        run("INSERT INTO scheduling.business VALUES (%s, 'Salon', 'UTC')", (business,))
        run("INSERT INTO scheduling.offering VALUES (%s, %s, 'Cut', 60, 60, 0)", (business, offering))
        run("INSERT INTO scheduling.provider VALUES (%s, %s, 'Ada', 'UTC')", (business, provider))
        for appointment_id, status, ended in ((booked, "booked", None), (cancelled, "cancelled", NINE)):
            run(
                """
                INSERT INTO scheduling.appointment
                VALUES (%s, %s, %s, %s, gen_random_uuid(), %s, %s, 'UTC', %s, 1, '', now(), %s)
                """,
                (business, appointment_id, offering, provider, NINE, NINE + timedelta(hours=1), status, ended),
            )
    migrate(of_version_1, SCHEDULING)
    with psycopg.connect(of_version_1, autocommit=True) as administrator:
        claims = administrator.execute(
            "SELECT resource_id, holder_id, tstzrange(starts_at, ends_at), overbooked FROM scheduling.claim"
        ).fetchall()
        assert claims == [(provider, booked, TimestamptzRange(NINE, NINE + timedelta(hours=1)), False)]
        with pytest.raises(pg.ExclusionViolation):
            administrator.execute(
                "INSERT INTO scheduling.claim VALUES (%s, %s, gen_random_uuid(), %s, %s, %s)",
                (business, provider, offering, NINE, NINE + timedelta(minutes=30)),
            )
