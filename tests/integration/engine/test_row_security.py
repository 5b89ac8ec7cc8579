"""Row-level security and grants of each role."""

from datetime import date

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.sql import SQL, Identifier
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from tests.contract.port.shop import OFFICE_HOURS, Shop, at
from tests.integration.engine.workbench import Administrator, Workbench

TABLES = [
    "business",
    "lease",
    "offering",
    "provider",
    "provider_offering",
    "weekly_hours",
    "schedule",
    "date_override",
    "holiday",
    "resource",
    "block",
    "claim",
    "session",
    "appointment",
    "assignment",
    "waitlist",
    "history",
    "idempotency",
    "outbox",
]


@pytest.fixture
def busy(shop: Shop) -> Shop:
    return furnished(shop)


def furnished(shop: Shop) -> Shop:
    """A business with at least one row in every table."""
    shop.add_resource()
    shop.work(OFFICE_HOURS, effective_from=date(2041, 1, 1))
    shop.override(date(2040, 6, 9), "close")
    shop.set_holidays(date(2040, 6, 10))
    shop.block(at(20), at(21))
    shop.book(offering_id=shop.add_offering("Yoga", capacity=2).offering_id, provider_id=None)
    wish = m.JoinWaitlist(offering_id=shop.offering.offering_id, customer_id=shop.customer.id, start=at(9), end=at(10))
    shop.port.join_waitlist(shop.customer.writes(), wish)
    return shop


def count(connection: Administrator, table: str) -> int:
    row = connection.execute(SQL("SELECT count(*) FROM scheduling.{}").format(Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("table", TABLES)
def test_a_business_sees_only_its_own_rows(bench: Workbench, busy: Shop, table: str) -> None:
    seen = {}
    with bench.connect("scheduling_app") as connection:
        seen["before anything is set"] = count(connection, table)
        for whose, business_id in (("its own", busy.business_id), ("another's", uuid7())):
            with connection.transaction():
                connection.execute("SELECT set_config('app.business_id', %s, true)", (str(business_id),))
                seen[whose] = count(connection, table)
        seen["after the transaction"] = count(connection, table)
    assert seen.pop("its own") == bench.count(table, busy.business_id) > 0
    assert set(seen.values()) == {0}, seen


@pytest.mark.row("H6")
def test_a_pooled_connection_forgets_the_business(bench: Workbench, busy: Shop) -> None:
    busy.starts()
    with bench.database.connection(busy.staff.reads().deadline) as connection:
        assert {table: count(connection, table) for table in TABLES} == dict.fromkeys(TABLES, 0)


def test_row_security_applies_to_the_owner_too(bench: Workbench, busy: Shop) -> None:
    with bench.administrator() as administrator:
        administrator.execute("SET ROLE scheduling_owner")
        assert {table: count(administrator, table) for table in TABLES} == dict.fromkeys(TABLES, 0)


def test_a_business_cannot_write_another_businesss_rows(bench: Workbench, busy: Shop) -> None:
    other = bench.shop()
    with bench.connect("scheduling_app") as connection, connection.transaction():
        connection.execute("SELECT set_config('app.business_id', %s, true)", (str(busy.business_id),))
        changed = connection.execute(
            "UPDATE scheduling.offering SET name = 'Mine' WHERE business_id = %s", (other.business_id,)
        )
        assert changed.rowcount == 0
        with pytest.raises(psycopg.Error) as refusal, connection.transaction():
            connection.execute(
                "INSERT INTO scheduling.business (business_id, name, zone) VALUES (%s, 'Mine', 'UTC')", (uuid7(),)
            )
    assert refusal.value.sqlstate in ("SL001", "42501")


@pytest.mark.parametrize("table", TABLES)
def test_the_operator_reads_every_business_and_writes_none(bench: Workbench, busy: Shop, table: str) -> None:
    other = furnished(bench.shop())
    where = Identifier(table)
    with bench.connect("scheduling_operator") as operator:
        businesses = operator.execute(SQL("SELECT DISTINCT business_id FROM scheduling.{}").format(where)).fetchall()
        assert {(busy.business_id,), (other.business_id,)} <= set(businesses)
        for statement in (
            "UPDATE scheduling.{} SET business_id = business_id",
            "DELETE FROM scheduling.{}",
            "INSERT INTO scheduling.{} DEFAULT VALUES",
            "TRUNCATE scheduling.{}",
        ):
            with pytest.raises(pg.InsufficientPrivilege):
                operator.execute(SQL(statement).format(where))


@pytest.mark.parametrize("table", TABLES)
def test_the_relay_reads_only_the_outbox(bench: Workbench, busy: Shop, table: str) -> None:
    with bench.connect("scheduling_relay") as relay:
        if table == "outbox":
            assert count(relay, "outbox") == bench.sql("SELECT count(*) FROM scheduling.outbox")[0][0]
        else:
            with pytest.raises(pg.InsufficientPrivilege):
                count(relay, table)


def test_the_relay_may_update_only_the_publication_time(bench: Workbench, busy: Shop) -> None:
    mine = (busy.business_id,)
    with bench.connect("scheduling_relay") as relay:
        marked = relay.execute("UPDATE scheduling.outbox SET published_at = now() WHERE business_id = %s", mine)
        assert marked.rowcount == 1
        for statement in (
            "UPDATE scheduling.outbox SET payload = '' WHERE business_id = %s",
            "INSERT INTO scheduling.outbox (business_id) VALUES (%s)",
        ):
            with pytest.raises(pg.InsufficientPrivilege):
                relay.execute(statement, mine)
        assert relay.execute("DELETE FROM scheduling.outbox WHERE business_id = %s", mine).rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM scheduling.appointment",
        "DELETE FROM scheduling.business",
        "DELETE FROM scheduling.offering",
        "DELETE FROM scheduling.provider",
        "DELETE FROM scheduling.outbox",
        "DELETE FROM scheduling.lease",
        "UPDATE scheduling.lease SET active = true",
        "UPDATE scheduling.outbox SET payload = ''",
        "UPDATE scheduling.idempotency SET reply = ''",
        "UPDATE scheduling.history SET actor = 'nobody'",
        "DELETE FROM scheduling.history",
        "DELETE FROM scheduling.waitlist",
        "DELETE FROM scheduling.assignment",
        "DELETE FROM scheduling.resource",
        "TRUNCATE scheduling.claim",
        "TRUNCATE scheduling.appointment",
        "ALTER TABLE scheduling.appointment DISABLE TRIGGER ALL",
        "ALTER TABLE scheduling.appointment DISABLE ROW LEVEL SECURITY",
        "SET session_replication_role = replica",
    ],
)
def test_statements_forbidden_to_the_running_role(bench: Workbench, busy: Shop, statement: str) -> None:
    with bench.connect("scheduling_app") as connection, pytest.raises(pg.InsufficientPrivilege):
        connection.execute(statement)
