"""`extraction seed` on real databases: the product could have created its data."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from contracts.chassis.credentials import role_url
from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling import models as m
from contracts.scheduling.context import Actor, CallContext
from deploy.databases.schemas import Target, monolith_target, scheduling_target
from deploy.errors import CommandError
from deploy.seed.business import SeededBusiness
from deploy.seed.plan import SeedPlan
from deploy.seed.seeding import seed
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from tests.databases import Databases

PLAN = SeedPlan(businesses=3, appointments=1_000, seed=7, adapter="in_process", week=date(2026, 3, 30))
PASSWORD = "correct horse battery"
TABLES = ("business", "lease", "offering", "provider", "weekly_hours", "appointment", "claim", "history")


def targets(databases: Databases) -> tuple[Target, Target]:
    own = monolith_target(databases.monolith_admin_url, databases.role_secret)
    return own, scheduling_target(databases.scheduling_admin_url, databases.role_secret)


def fill(databases: Databases, plan: SeedPlan = PLAN) -> list[str]:
    own, service = targets(databases)
    said: list[str] = []
    seed(plan, own, own if plan.adapter == "in_process" else service, password=PASSWORD, say=said.append)
    return said


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as admin:
        return admin.execute(query.encode()).fetchall()


def contents(url: str) -> list[list[tuple[object, ...]]]:
    """Return all rows as text, without the opening times of businesses and the identity of their server."""
    query = "SELECT (to_jsonb(t) - 'opened_at' - 'incarnation')::text FROM scheduling.{} t ORDER BY 1"
    return [rows(url, query.format(table)) for table in TABLES]


def indexes(url: str) -> list[tuple[object, ...]]:
    return rows(url, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'scheduling' ORDER BY 1") + rows(
        url,
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'scheduling'::regnamespace ORDER BY 1",
    )


def test_tables_keep_their_indexes_and_hold_the_requested_rows(databases: Databases) -> None:
    url = databases.monolith_admin_url
    before = indexes(url)

    said = fill(databases)

    assert indexes(url) == before
    for table in ("appointment", "claim", "history"):
        assert rows(url, f"SELECT count(*) FROM scheduling.{table}") == [(1_000,)]
    assert any("1,000 of 1,000 appointments" in line for line in said)
    assert rows(url, "SELECT owner, count(*) FROM cutover.ownership GROUP BY 1") == [("monolith", 3)]


def test_appointments_are_within_hours_and_around_the_week(databases: Databases) -> None:
    fill(databases)
    found = rows(
        databases.monolith_admin_url,
        """
        SELECT bool_and((starts_at AT TIME ZONE zone)::time >= '09:00'),
               bool_and((ends_at AT TIME ZONE zone)::time <= '17:00'),
               bool_and(extract(isodow FROM starts_at AT TIME ZONE zone) <= 5),
               count(*) FILTER (WHERE starts_at < '2026-03-30') BETWEEN 400 AND 600,
               bool_and(booked_at < starts_at)
          FROM scheduling.appointment
        """,
    )
    assert found == [(True, True, True, True, True)]


def test_product_reads_seeded_data_and_books_more(databases: Databases) -> None:
    fill(databases, dataclasses.replace(PLAN, week=_this_monday()))
    business = SeededBusiness(PLAN, 0)
    url = role_url(databases.monolith_url, "scheduling_app", databases.role_secret)
    engine = SchedulingEngine(EngineDatabase(url))
    owner = Actor("staff", PLAN.id_of("owner", business.slug))
    staff = CallContext(business.business_id, owner, Deadline.after(9), new_trace())

    page = engine.list_appointments(staff, m.ListAppointments(limit=200))
    (change,) = engine.get_history(staff, m.GetHistory(appointment_id=page.appointments[0].appointment_id)).changes
    assert (len(page.appointments), change.after) == (200, page.appointments[0])

    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    slots = engine.search_slots(
        staff,
        m.SearchSlots(offering_id=business.services[0].offering_id, start=tomorrow, end=tomorrow + timedelta(days=7)),
    ).slots
    booked = engine.book(
        with_a_key(staff),
        m.Book(
            offering_id=business.services[0].offering_id,
            customer_id=business.plan.id_of("somebody"),
            starts_at=slots[0].starts_at,
        ),
    )
    assert booked.starts_at == slots[0].starts_at


def with_a_key(context: CallContext) -> CallContext:
    return CallContext(context.business_id, context.actor, Deadline.after(9), context.trace, "a-key-of-its-own")


def _this_monday() -> date:
    today = datetime.now(UTC).date()
    return today - timedelta(days=today.weekday())


def test_same_seed_gives_the_same_data_next_to_other_data(databases: Databases) -> None:
    fill(databases, dataclasses.replace(PLAN, seed=8))
    fill(databases)  # into tables that hold something: their indexes stay
    http = dataclasses.replace(PLAN, adapter="http", seed=8)
    own, service = targets(databases)
    with pytest.raises(CommandError, match="the monolith database already holds data of seed 8"):
        seed(http, own, service, password=PASSWORD, say=lambda _: None)


def test_service_receives_the_same_data(databases: Databases) -> None:
    fill(databases, dataclasses.replace(PLAN, adapter="http"))
    there = contents(databases.scheduling_admin_url)
    assert [len(table) for table in there[-3:]] == [1_000] * 3
    assert rows(databases.monolith_admin_url, "SELECT count(*) FROM scheduling.appointment") == [(0,)]
    assert rows(databases.monolith_admin_url, "SELECT DISTINCT owner FROM cutover.ownership") == [("scheduling",)]

    with psycopg.connect(databases.monolith_admin_url) as admin:
        admin.execute("DELETE FROM cutover.ownership; DELETE FROM auth.membership; DELETE FROM auth.account")
        admin.execute("DELETE FROM auth.business")
    fill(databases)
    assert contents(databases.monolith_admin_url) == there


def extraction(databases: Databases, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "MONOLITH_DATABASE_URL": databases.monolith_admin_url,
        "SCHEDULING_DATABASE_URL": databases.scheduling_admin_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
    }
    command = [sys.executable, "-m", "deploy.cli.main", "seed", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_command_prints_the_login_and_refuses_the_same_seed_again(databases: Databases) -> None:
    asked = ("--businesses", "2", "--appointments", "50", "--password", PASSWORD)
    made, again = extraction(databases, asked), extraction(databases, asked)

    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[1] == (
        f"the first is at /b/seed-1-1; its owner is owner-1@seed-1.example.com, password {PASSWORD}"
    )
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == ("extraction: the monolith database already holds data of seed 1: choose another --seed\n")


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (("--businesses", "0", "--appointments", "1"), "--businesses 0 is out of range: use 1 to 1000000"),
        (("--businesses", "1", "--appointments", "-1"), "--appointments -1 is out of range"),
        (("--businesses", "1", "--appointments", "2000001"), "use --businesses 2 or more"),
        (("--businesses", "1", "--appointments", "1", "--seed", "-1"), "--seed -1 is out of range"),
    ],
)
def test_numbers_out_of_range_are_refused(databases: Databases, asked: Sequence[str], refusal: str) -> None:
    refused = extraction(databases, asked)
    assert refused.returncode == 2
    assert refusal in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_unmigrated_database_is_refused(databases: Databases) -> None:
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as admin:
        admin.execute("DROP SCHEMA scheduling CASCADE")
    with pytest.raises(CommandError, match="run `extraction db setup monolith`"):
        fill(databases)


def test_rows_that_triggers_would_reject_are_rolled_back(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_its_claim(business: SeededBusiness) -> object:
        for number, (appointment, claim, history) in enumerate(whole(business)):
            yield appointment, "" if number == 5 else claim, history

    whole = SeededBusiness.bookings
    monkeypatch.setattr(SeededBusiness, "bookings", without_its_claim)
    with pytest.raises(CommandError, match="3 active appointments without a claim"):
        fill(databases)
    assert rows(databases.monolith_admin_url, "SELECT count(*) FROM scheduling.appointment") == [(0,)]
    assert rows(databases.monolith_admin_url, "SELECT count(*) FROM auth.business") == [(0,)]
