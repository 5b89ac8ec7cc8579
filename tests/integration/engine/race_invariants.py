"""Invariants of concurrent calls, regardless of their order."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from contracts.scheduling import models as m
from contracts.scheduling.errors import SchedulingError, SlotUnavailable
from tests.contract.port.shop import Shop
from tests.integration.engine.workbench import Workbench

T = TypeVar("T")


def standing(shop: Shop, status: m.AppointmentStatus = "booked") -> list[m.Appointment]:
    """Return the active appointments, read by SQL."""
    found: list[m.Appointment] = []
    cursor: str | None = ""
    while cursor is not None:
        request = m.ListAppointments(status=status, limit=200, cursor=cursor)
        page = shop.port.list_appointments(shop.staff.reads(), request)
        found, cursor = [*found, *page.appointments], page.next_cursor
    return found


def accepted(results: Sequence[T | SchedulingError]) -> list[T]:
    return [each for each in results if not isinstance(each, SchedulingError)]


def refusals(results: Sequence[object]) -> list[SchedulingError]:
    return [each for each in results if isinstance(each, SchedulingError)]


def ids(appointments: Sequence[m.Appointment]) -> set[object]:
    return {each.appointment_id for each in appointments}


def require_apart(appointments: Sequence[m.Appointment]) -> None:
    ordered = sorted(appointments, key=lambda each: (each.provider_id, each.starts_at))
    for earlier, later in pairwise(ordered):
        assert earlier.provider_id != later.provider_id or earlier.ends_at <= later.starts_at


def require_taken(results: Sequence[object], reason: str = "taken") -> None:
    """Require that every refusal is a taken time, never a deadlock or a request to retry."""
    assert {(type(each), each.details().get("reason")) for each in refusals(results)} <= {(SlotUnavailable, reason)}


def require_claimed(bench: Workbench, shop: Shop) -> None:
    """Require that exactly the active appointments have claims, and that sessions count their seats."""
    wrong = bench.sql(
        """
        WITH active AS (
            SELECT coalesce(session_id, appointment_id) AS holder_id, provider_id, provider_ids, resource_ids
              FROM scheduling.appointment
             WHERE business_id = %(b)s AND status IN ('held', 'pending', 'booked')
        ), needed AS (
            SELECT holder_id, provider_id AS resource_id FROM active
             UNION
            SELECT holder_id, unnest(provider_ids || resource_ids) FROM active
        ), claimed AS (
            SELECT holder_id, resource_id FROM scheduling.claim WHERE business_id = %(b)s
        ), counted AS (
            SELECT s.session_id, s.seats_taken, sum(a.seats) FILTER (WHERE NOT a.overbooked) AS seats
              FROM scheduling.session s
              LEFT JOIN scheduling.appointment a
                ON a.business_id = s.business_id AND a.session_id = s.session_id
               AND a.status IN ('held', 'pending', 'booked')
             WHERE s.business_id = %(b)s GROUP BY 1, 2
        )
        SELECT 'claim missing' AS what, holder_id FROM (TABLE needed EXCEPT TABLE claimed) AS missing
         UNION ALL
        SELECT 'claim left over', holder_id FROM (TABLE claimed EXCEPT TABLE needed) AS left_over
         UNION ALL
        SELECT 'seats', session_id FROM counted WHERE seats_taken IS DISTINCT FROM coalesce(seats, 0)
        """.replace("%(b)s", f"'{shop.business_id}'")
    )
    assert wrong == []


def expire(bench: Workbench, *held: m.Appointment, ago: str = "1 second") -> None:
    """Make the holds overdue by the database's clock; with a negative `ago`, soon."""
    for each in held:
        with bench.administrator() as administrator, administrator.transaction():
            values = {"id": each.appointment_id, "ago": ago}
            administrator.execute(
                """
                UPDATE scheduling.appointment SET hold_expires_at = now() - %(ago)s::interval
                 WHERE appointment_id = %(id)s AND status = 'held'
                """,
                values,
            )
            administrator.execute(
                """
                UPDATE scheduling.claim
                   SET expires_at = (SELECT max(hold_expires_at) FROM scheduling.appointment
                                      WHERE status = 'held' AND coalesce(session_id, appointment_id) = holder_id)
                 WHERE expires_at IS NOT NULL
                   AND holder_id = (SELECT coalesce(session_id, appointment_id) FROM scheduling.appointment
                                     WHERE appointment_id = %(id)s AND status = 'held')
                """,
                values,
            )
