"""Preview of the cost of a change."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from monolith.web.change_terms import ChangeTerms, cancellation_terms, reschedule_terms

NOW = datetime.now(UTC)
HOUR = 60


def offering(**policy: object) -> m.Offering:
    """An offering that can be cancelled free of charge until a day before."""
    return m.Offering(
        offering_id=uuid4(),
        name="Cut",
        duration_minutes=30,
        step_minutes=30,
        active=True,
        cancel_cutoff_minutes=24 * HOUR,
        policy=m.ChangePolicy(**policy),  # type: ignore[arg-type]
    )


def appointment(starts_at: datetime, reschedules: int = 0) -> m.Appointment:
    return m.Appointment(
        appointment_id=uuid4(),
        offering_id=uuid4(),
        offering_name="Cut",
        provider_id=uuid4(),
        provider_name="Ada",
        customer_id=uuid4(),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        zone="UTC",
        status="booked",
        version=1,
        note="",
        booked_at=NOW,
        reschedules=reschedules,
    )


def test_change_before_the_cutoff_is_free() -> None:
    starts_at = NOW + timedelta(hours=25)
    assert cancellation_terms(offering(), starts_at) == ChangeTerms(free_until=starts_at - timedelta(hours=24))


@pytest.mark.parametrize(
    ("policy", "terms"),
    [
        ({}, ChangeTerms(fee_percent=100)),
        ({"late_fee_percent": 30}, ChangeTerms(fee_percent=30)),
        ({"inside_cutoff": "refuse", "late_fee_percent": 30}, ChangeTerms(refused=True)),
    ],
)
def test_change_after_the_cutoff_costs_the_fee_or_is_refused(policy: dict[str, object], terms: ChangeTerms) -> None:
    starts_at = NOW + timedelta(hours=23)
    assert cancellation_terms(offering(**policy), starts_at) == terms
    assert reschedule_terms(offering(**policy), appointment(starts_at)) == terms


def test_reschedule_has_its_own_cutoff() -> None:
    starts_at = NOW + timedelta(hours=23)
    ours = offering(reschedule_cutoff_minutes=HOUR)
    assert reschedule_terms(ours, appointment(starts_at)) == ChangeTerms(free_until=starts_at - timedelta(hours=1))
    assert cancellation_terms(ours, starts_at).fee_percent == 100


def test_reschedule_limit_is_respected() -> None:
    ours, starts_at = offering(max_reschedules=2), NOW + timedelta(days=9)
    assert not reschedule_terms(ours, appointment(starts_at, reschedules=1)).refused
    assert reschedule_terms(ours, appointment(starts_at, reschedules=2)).refused
