"""What a page says that a change costs, before it is made."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from monolith.web.terms import Terms, of_cancelling, of_moving

NOW = datetime.now(UTC)
HOUR = 60


def offering(**policy: object) -> m.Offering:
    """It may be cancelled free of charge until a day before."""
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


def test_before_the_cut_off_it_costs_nothing_and_says_until_when() -> None:
    starts_at = NOW + timedelta(hours=25)
    assert of_cancelling(offering(), starts_at) == Terms(free_until=starts_at - timedelta(hours=24))


@pytest.mark.parametrize(
    ("policy", "terms"),
    [
        ({}, Terms(fee_percent=100)),
        ({"late_fee_percent": 30}, Terms(fee_percent=30)),
        ({"inside_cutoff": "refuse", "late_fee_percent": 30}, Terms(refused=True)),
    ],
)
def test_inside_the_cut_off_it_costs_the_fee_or_is_refused(policy: dict[str, object], terms: Terms) -> None:
    starts_at = NOW + timedelta(hours=23)
    assert of_cancelling(offering(**policy), starts_at) == terms
    assert of_moving(offering(**policy), appointment(starts_at)) == terms


def test_moving_has_a_cut_off_of_its_own() -> None:
    starts_at = NOW + timedelta(hours=23)
    ours = offering(reschedule_cutoff_minutes=HOUR)
    assert of_moving(ours, appointment(starts_at)) == Terms(free_until=starts_at - timedelta(hours=1))
    assert of_cancelling(ours, starts_at).fee_percent == 100


def test_what_was_moved_as_often_as_it_may_be_stays() -> None:
    ours, starts_at = offering(max_reschedules=2), NOW + timedelta(days=9)
    assert not of_moving(ours, appointment(starts_at, reschedules=1)).refused
    assert of_moving(ours, appointment(starts_at, reschedules=2)).refused
