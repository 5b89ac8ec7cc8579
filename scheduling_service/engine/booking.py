"""Book, reschedule, cancel."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg import errors as pg
from uuid_utils.compat import uuid7

from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    AppointmentNotFound,
    Forbidden,
    InvalidTransition,
    SlotUnavailable,
    VersionConflict,
)
from scheduling_service.engine.availability import refusal
from scheduling_service.engine.catalog import load_rules
from scheduling_service.engine.hours import as_utc
from scheduling_service.engine.rules import BusinessRules, RulesCache
from scheduling_service.engine.store import appointments as store
from scheduling_service.engine.store.availability import read_taken
from scheduling_service.engine.writing import Write

_WHY = {
    "past": "This time has passed.",
    "taken": "This time is already taken.",
    "outside_hours": "The provider does not work at this time.",
    "off_grid": "The service does not start at this time; search lists the times that it does.",
    "not_offered": "The provider does not offer this service.",
}


class Bookings:
    """The three changes an appointment knows. Each runs inside a `Write`."""

    def __init__(self, cache: RulesCache) -> None:
        self._cache = cache

    def book(self, write: Write, request: m.Book) -> m.Appointment:
        actor = write.ctx.actor
        if actor.kind == "customer" and actor.id != request.customer_id:
            raise Forbidden("A customer books for themselves only.")
        rules = self._rules(write)
        starts_at = _utc(request.starts_at)
        self._require_offered(write, rules, request.provider_id, request.offering_id, starts_at, None)
        offering, provider = rules.offering(request.offering_id), rules.provider(request.provider_id)
        booked = m.Appointment(
            appointment_id=uuid7(),
            offering_id=offering.offering_id,
            offering_name=offering.name,
            provider_id=provider.provider_id,
            provider_name=provider.name,
            customer_id=request.customer_id,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=offering.duration_minutes),
            zone=provider.zone.key,
            status="booked",
            version=1,
            note=request.note,
            booked_at=write.now,
        )
        if not store.insert_appointment(write.db, write.ctx.business_id, booked):
            raise _unavailable("taken")
        write.events.append(e.AppointmentBooked(**_envelope(write, booked)))
        return booked

    def reschedule(self, write: Write, request: m.Reschedule) -> m.Appointment:
        current = _to_change(write, request.appointment_id, request.expected_version)
        _require_ahead(write, current)
        rules = self._rules(write)
        provider = rules.provider(request.provider_id or current.provider_id)
        starts_at = _utc(request.starts_at)
        self._require_offered(
            write, rules, provider.provider_id, current.offering_id, starts_at, current.appointment_id
        )
        moved = msgspec.structs.replace(
            current,
            provider_id=provider.provider_id,
            provider_name=provider.name,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=rules.offering(current.offering_id).duration_minutes),
            zone=provider.zone.key,
            version=current.version + 1,
        )
        try:
            store.move_appointment(write.db, write.ctx.business_id, moved)
        except pg.ExclusionViolation as error:
            raise _unavailable("taken") from error
        write.events.append(
            e.AppointmentRescheduled(
                **_envelope(write, moved),
                previous_starts_at=current.starts_at,
                previous_provider_id=current.provider_id,
            )
        )
        return moved

    def cancel(self, write: Write, request: m.Cancel) -> m.Appointment:
        current = _to_change(write, request.appointment_id, request.expected_version)
        by_customer = write.ctx.actor.kind == "customer"
        if by_customer:
            _require_ahead(write, current)
        offering = self._rules(write).offering(current.offering_id)
        cutoff = current.starts_at - timedelta(minutes=offering.cancel_cutoff_minutes)
        cancelled = msgspec.structs.replace(
            current,
            status="cancelled",
            version=current.version + 1,
            cancelled_at=write.now,
            cancel_reason=request.reason,
            cancelled_in_time=not by_customer or write.now <= cutoff,
        )
        store.cancel_appointment(write.db, write.ctx.business_id, cancelled)
        write.events.append(e.AppointmentCancelled(**_envelope(write, cancelled)))
        return cancelled

    def _rules(self, write: Write) -> BusinessRules:
        business_id = write.ctx.business_id
        return self._cache.at(business_id, write.rules_version, lambda: load_rules(write.db, business_id))

    def _require_offered(
        self,
        write: Write,
        rules: BusinessRules,
        provider_id: UUID,
        offering_id: UUID,
        starts_at: datetime,
        without: UUID | None,
    ) -> None:
        provider, offering = rules.provider(provider_id), rules.offering(offering_id)
        if provider not in rules.performers(offering_id):
            raise _unavailable("not_offered")
        ends_at = starts_at + timedelta(minutes=offering.duration_minutes)
        taken = read_taken(write.db, write.ctx.business_id, provider_id, starts_at, ends_at, without)
        reason = refusal(provider, offering, int(starts_at.timestamp()), taken, int(write.now.timestamp()))
        if reason is not None:
            raise _unavailable(reason)


def _to_change(write: Write, appointment_id: UUID, expected_version: int | None) -> m.Appointment:
    """The appointment, locked, if the actor may change it and it is what they think it is."""
    found = store.lock_appointment(write.db, write.ctx.business_id, appointment_id)
    actor = write.ctx.actor
    if found is None or (actor.kind == "customer" and found.customer_id != actor.id):
        raise AppointmentNotFound("There is no such appointment.")
    if expected_version is not None and expected_version != found.version:
        raise VersionConflict("Somebody changed the appointment; look at it again.", found.version)
    if found.status == "cancelled":
        raise InvalidTransition("The appointment is already cancelled.")
    return found


def _require_ahead(write: Write, appointment: m.Appointment) -> None:
    if appointment.starts_at <= write.now:
        raise InvalidTransition("The appointment has already begun.")


def _envelope(write: Write, appointment: m.Appointment) -> dict[str, Any]:
    return {
        "event_id": uuid7(),
        "business_id": write.ctx.business_id,
        "business_name": write.business_name,
        "business_zone": write.business_zone,
        "epoch": write.epoch,
        "occurred_at": write.now,
        "appointment": appointment,
    }


def _unavailable(reason: str) -> SlotUnavailable:
    return SlotUnavailable(_WHY[reason], reason)


def _utc(moment: datetime) -> datetime:
    return as_utc(int(moment.timestamp()))
