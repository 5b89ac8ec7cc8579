"""Signatures of webhooks, and when a failed delivery is repeated."""

import base64
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from monolith.modules.notifications.webhooks.delivery import delay_after
from monolith.modules.notifications.webhooks.delivery_queue import DueDelivery
from monolith.modules.notifications.webhooks.signing import SECRET_BYTES, new_secret, secret_text, signed_headers


def test_signature_is_that_of_the_specification() -> None:
    """The test vector of the reference implementations."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [secret])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_active_secret_signs() -> None:
    first, second = new_secret(), new_secret()
    both = signed_headers("msg_1", 1, b"{}", [first, second])["webhook-signature"].split(" ")
    assert both == [signed_headers("msg_1", 1, b"{}", [each])["webhook-signature"] for each in (first, second)]


def test_secrets_are_long_and_written_as_specified() -> None:
    secret = new_secret()
    assert SECRET_BYTES >= 24
    assert secret_text(secret).startswith("whsec_")
    assert base64.b64decode(secret_text(secret).removeprefix("whsec_")) == secret


@pytest.mark.parametrize("attempts, seconds", [(1, 5), (2, 300), (9, 86_400)])
def test_delays_grow_and_differ_by_up_to_ten_percent(attempts: int, seconds: int) -> None:
    shortest = timedelta(seconds=seconds)
    assert delay_after(_failed(attempts, UUID(int=0))) == shortest
    assert shortest < (delay_after(_failed(attempts, UUID(int=99))) or shortest) < shortest * 1.1


def test_tenth_failure_is_the_last() -> None:
    assert delay_after(_failed(10, uuid4())) is None


def _failed(attempts: int, delivery_id: UUID) -> DueDelivery:
    return DueDelivery(delivery_id, uuid4(), "https://example.org", b"{}", attempts, [])
