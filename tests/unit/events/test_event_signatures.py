"""Signatures of events, and the rotation of their secret."""

import pytest

from contracts.chassis.settings import ConfigError
from contracts.scheduling.event_signatures import EventSecrets

OLD, NEW = "the-old-secret-of-events", "the-new-secret-of-events"
EVENT = b'{"type": "appointment.booked"}'


def signature(*secrets: str, event: bytes = EVENT) -> bytes:
    return EventSecrets(secrets).sign(event).encode()


@pytest.mark.parametrize(
    ("signing", "verifying", "accepted"),
    [
        ([OLD], [OLD], True),
        ([OLD], [NEW, OLD], True),
        ([NEW, OLD], [NEW, OLD], True),
        ([NEW, OLD], [NEW], True),
        ([OLD, NEW], [NEW], False),
        ([OLD], [NEW], False),
    ],
)
def test_first_secret_signs_and_each_is_accepted(signing: list[str], verifying: list[str], accepted: bool) -> None:
    assert EventSecrets(verifying).verify(EVENT, signature(*signing)) == accepted


@pytest.mark.parametrize("forged", [b"", b"x", b"\xff", signature(OLD)[:-1], signature(OLD, event=EVENT + b" ")])
def test_other_signatures_are_refused(forged: bytes) -> None:
    assert not EventSecrets([OLD]).verify(EVENT, forged)


def test_setting_holds_up_to_two_secrets() -> None:
    assert EventSecrets.from_environment({}) is None
    assert EventSecrets.from_environment({"EVENT_SECRETS": " "}) is None
    found = EventSecrets.from_environment({"EVENT_SECRETS": f"{NEW}, {OLD}"})
    assert found is not None
    assert found.verify(EVENT, signature(OLD))
    for value in ("too-short", f"{NEW},too-short", f"{NEW},{OLD},{OLD}x"):
        with pytest.raises(ConfigError, match="EVENT_SECRETS") as refused:
            EventSecrets.from_environment({"EVENT_SECRETS": value})
        assert value not in str(refused.value)
