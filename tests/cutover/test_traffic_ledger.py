"""The traffic ledger detects lost, duplicate and unrequested bookings."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from msgspec.structs import replace as changed
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from loadtests.harness.traffic.ledger import LedgerReport, check_ledger
from loadtests.harness.traffic.open_loop import TrafficRecord
from monolith.cutover.databases import SchedulingDatabases
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from tests.contract.port.shop import Shop, at, open_shop
from tests.databases import Databases


@pytest.fixture
def shop(pair: SchedulingDatabases) -> Shop:
    return open_shop(SchedulingEngine(EngineDatabase(pair.scheduling.url_as("scheduling_app"), pool_size=2)), uuid7())


def told(appointment: m.Appointment, **fields: Any) -> TrafficRecord:
    record = TrafficRecord(
        name="people",
        kind="book",
        at=0.0,
        ms=1.0,
        status=201,
        final=201,
        appointment_id=str(appointment.appointment_id),
        version=appointment.version,
        state=appointment.status,
    )
    return changed(record, **fields)


def judged(pair: SchedulingDatabases, shop: Shop, *records: TrafficRecord) -> LedgerReport:
    with pair.scheduling.connect() as db:
        return check_ledger(records, db, shop.business_id, ["people"])


def test_stored_results_that_match_are_clean(pair: SchedulingDatabases, shop: Shop) -> None:
    first, second = shop.book(at(9), note="people"), shop.book(at(10), note="people")
    verdict = judged(pair, shop, told(first), told(second))
    assert verdict.clean
    assert verdict == replace(verdict, failed=0, writes=2, requests=2)


def test_last_acknowledged_result_counts(pair: SchedulingDatabases, shop: Shop) -> None:
    booked = shop.book(at(9), note="people")
    cancelled = shop.port.cancel(shop.staff.writes(), m.Cancel(appointment_id=booked.appointment_id))
    assert judged(pair, shop, told(cancelled), told(booked)).clean
    assert len(judged(pair, shop, told(booked)).lost) == 1


def test_missing_booking_is_reported_as_lost(pair: SchedulingDatabases, shop: Shop) -> None:
    booked = shop.book(at(9), note="people")
    verdict = judged(pair, shop, told(booked), told(booked, appointment_id=str(uuid4())))
    assert len(verdict.lost) == 1
    assert not verdict.clean


def test_booking_without_a_request_is_found(pair: SchedulingDatabases, shop: Shop) -> None:
    first = shop.book(at(9), note="people")
    unasked = shop.book(at(10), note="people")
    shop.book(at(11), note="of somebody else")
    assert judged(pair, shop, told(first)).unasked == (str(unasked.appointment_id),)


def test_doubly_booked_slot_is_found(pair: SchedulingDatabases, shop: Shop, databases: Databases) -> None:
    first, second = shop.book(at(9), note="people"), shop.book(at(12), note="people")
    with psycopg.connect(databases.scheduling_admin_url, autocommit=True) as administrator:
        administrator.execute("SET session_replication_role = replica")
        administrator.execute(
            "UPDATE scheduling.appointment SET starts_at = %s, ends_at = %s WHERE appointment_id = %s",
            (first.starts_at, first.ends_at, second.appointment_id),
        )
    assert len(judged(pair, shop, told(first), told(second)).duplicated) == 1


@pytest.mark.parametrize(("status", "failed"), [(200, 0), (201, 0), (409, 0), (0, 1), (500, 1), (503, 1), (404, 1)])
def test_first_response_decides_whether_a_request_failed(
    pair: SchedulingDatabases, shop: Shop, status: int, failed: int
) -> None:
    assert judged(pair, shop, told(shop.book(at(9), note="people"), status=status)).failed == failed
