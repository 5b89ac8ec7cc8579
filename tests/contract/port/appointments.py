"""Calls on appointments by a given actor, and direct changes of the database to simulate elapsed time."""

from datetime import datetime
from typing import Any

import psycopg

from contracts.scheduling import models as m
from tests.contract.port.adapters import Adapter
from tests.contract.port.shop import NINE, Caller, Shop


def hold(shop: Shop, starts_at: datetime = NINE, by: Caller | None = None, **fields: Any) -> m.Appointment:
    """Hold a slot as a customer, by default with the shop's provider."""
    by = by or shop.customer
    wanted = {
        "offering_id": shop.offering.offering_id,
        "provider_id": shop.provider.provider_id,
        "customer_id": by.id,
        "starts_at": starts_at,
    }
    return shop.port.hold(by.writes(), m.Hold(**{**wanted, **fields}))


def confirm(shop: Shop, held: m.Appointment, by: Caller | None = None, note: str = "") -> m.Appointment:
    request = m.Confirm(appointment_id=held.appointment_id, note=note)
    return shop.port.confirm((by or shop.customer).writes(), request)


def extend(shop: Shop, held: m.Appointment, by: Caller | None = None) -> m.Appointment:
    request = m.ExtendHold(appointment_id=held.appointment_id)
    return shop.port.extend_hold((by or shop.customer).writes(), request)


def approve(shop: Shop, asked: m.Appointment, expected_version: int | None = None) -> m.Appointment:
    request = m.Approve(appointment_id=asked.appointment_id, expected_version=expected_version)
    return shop.port.approve(shop.staff.writes(), request)


def decline(shop: Shop, asked: m.Appointment, **fields: Any) -> m.Appointment:
    return shop.port.decline(shop.staff.writes(), m.Decline(appointment_id=asked.appointment_id, **fields))


def move(
    shop: Shop, appointment: m.Appointment, starts_at: datetime, by: Caller | None = None, **fields: Any
) -> m.Appointment:
    """Reschedule with the version of the given appointment."""
    request = m.Reschedule(
        **{
            "appointment_id": appointment.appointment_id,
            "starts_at": starts_at,
            "expected_version": appointment.version,
            **fields,
        }
    )
    return shop.port.reschedule((by or shop.customer).writes(), request)


def cancel(shop: Shop, appointment: m.Appointment, by: Caller | None = None, **fields: Any) -> m.Appointment:
    request = m.Cancel(**{"appointment_id": appointment.appointment_id, **fields})
    return shop.port.cancel((by or shop.customer).writes(), request)


def complete(shop: Shop, appointment: m.Appointment, expected_version: int | None = None) -> m.Appointment:
    request = m.Complete(appointment_id=appointment.appointment_id, expected_version=expected_version)
    return shop.port.complete(shop.staff.writes(), request)


def mark_no_show(shop: Shop, appointment: m.Appointment, expected_version: int | None = None) -> m.Appointment:
    request = m.MarkNoShow(appointment_id=appointment.appointment_id, expected_version=expected_version)
    return shop.port.mark_no_show(shop.staff.writes(), request)


def get(shop: Shop, appointment: m.Appointment) -> m.Appointment:
    request = m.GetAppointment(appointment_id=appointment.appointment_id)
    return shop.port.get_appointment(shop.staff.reads(), request)


def changes_of(shop: Shop, appointment: m.Appointment, by: Caller | None = None) -> tuple[m.Change, ...]:
    request = m.GetHistory(appointment_id=appointment.appointment_id)
    return shop.port.get_history((by or shop.staff).reads(), request).changes


def let_begin(adapter: Adapter, appointment: m.Appointment) -> None:
    """Set the start of an appointment in the database to one minute ago."""
    _run(
        adapter,
        """
        UPDATE scheduling.claim SET starts_at = now() - interval '1 minute', ends_at = now() + interval '1 hour'
         WHERE holder_id = %(id)s
        """,
        """
        UPDATE scheduling.appointment
           SET starts_at = now() - interval '1 minute', ends_at = now() + interval '1 hour'
         WHERE appointment_id = %(id)s
        """,
        appointment,
    )


def let_expire(adapter: Adapter, held: m.Appointment) -> None:
    """Let the hold expire."""
    _run(
        adapter,
        "UPDATE scheduling.appointment SET hold_expires_at = now() - interval '1 second' WHERE appointment_id = %(id)s",
        """
        UPDATE scheduling.claim
           SET expires_at = (SELECT max(hold_expires_at) FROM scheduling.appointment
                              WHERE status = 'held' AND coalesce(session_id, appointment_id) = holder_id)
         WHERE expires_at IS NOT NULL
           AND holder_id = (SELECT coalesce(session_id, appointment_id) FROM scheduling.appointment
                             WHERE appointment_id = %(id)s)
        """,
        held,
    )


def let_time_pass(adapter: Adapter, held: m.Appointment, minutes: int) -> None:
    """Have a hold taken so many minutes ago, and extended since: it ends in one minute."""
    with psycopg.connect(adapter.database_url) as administrator:
        administrator.execute(
            """
            UPDATE scheduling.appointment
               SET booked_at = booked_at - make_interval(mins => %(minutes)s),
                   hold_expires_at = now() + interval '1 minute'
             WHERE appointment_id = %(id)s
            """,
            {"id": held.appointment_id, "minutes": minutes},
        )


def _run(adapter: Adapter, first: str, then: str, appointment: m.Appointment) -> None:
    with psycopg.connect(adapter.database_url) as administrator:
        administrator.execute(first, {"id": appointment.appointment_id})
        administrator.execute(then, {"id": appointment.appointment_id})
