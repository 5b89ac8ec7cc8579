"""Retention is set in days, and its limits keep the rules of `deploy/docs/retention.md`."""

from datetime import timedelta

import pytest

from contracts.chassis.retention import Retention
from contracts.chassis.settings import ConfigError

LONGEST_RETRY = timedelta(days=1)


def test_unset_variables_mean_the_documented_defaults() -> None:
    assert Retention.from_environment({}) == Retention()
    assert Retention() == Retention(
        outbox=timedelta(days=7), inbox=timedelta(days=30), idempotency_keys=timedelta(days=7)
    )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("OUTBOX_RETENTION_DAYS", ("0", "15", "1.5", "-1", "7d")),
        ("INBOX_RETENTION_DAYS", ("20", "3651")),
        ("IDEMPOTENCY_KEY_RETENTION_DAYS", ("1", "366")),
    ],
)
def test_value_outside_the_limits_is_refused(name: str, values: tuple[str, ...]) -> None:
    for value in values:
        with pytest.raises(ConfigError, match=f"^{name} is malformed: it must be a whole number from "):
            Retention.from_environment({name: value})


def test_any_accepted_inbox_outlives_any_accepted_outbox_by_a_week() -> None:
    extremes = Retention.from_environment({"INBOX_RETENTION_DAYS": "21", "OUTBOX_RETENTION_DAYS": "14"})
    assert extremes.inbox - extremes.outbox >= timedelta(days=7)


def test_any_accepted_key_outlives_its_retries() -> None:
    shortest = Retention.from_environment({"IDEMPOTENCY_KEY_RETENTION_DAYS": "2"})
    assert shortest.idempotency_keys > LONGEST_RETRY
