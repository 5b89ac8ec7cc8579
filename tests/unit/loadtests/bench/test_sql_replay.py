"""A template made of two recorded bookings, filled in for a third."""

import json

import pytest

from deploy.errors import SurroundingsError
from loadtests.bench.sql_recording import Statement
from loadtests.bench.sql_replay import Booking, Slot, filled, fresh_ids, from_json, template, without_control

ANN, BEN = "01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058"
CUSTOMER = "01890a5d-ac96-774b-bcce-b302099a8059"
EVENTS = ("01890a5d-ac96-774b-bcce-b302099a8061", "01890a5d-ac96-774b-bcce-b302099a8062")
BOOKINGS = (
    Booking(ANN, "2035-01-01T09:00:00+00:00", "key-1"),
    Booking(BEN, "2035-01-02T10:15:00+00:00", "key-2"),
)
INSERT = "INSERT INTO appointment VALUES ($1, $2, $3, $4, $5)"


def statements(booking: Booking, start: str, end: str, event: str) -> list[Statement]:
    return [
        Statement("auth_app", "SELECT 1 FROM session WHERE secret_hash = $1", ("\\x00ff",)),
        Statement("scheduling_app", "BEGIN", ()),
        Statement("scheduling_app", INSERT, (CUSTOMER, booking.provider_id, start, end, None)),
        Statement("scheduling_app", "INSERT INTO outbox VALUES ($1, $2, $3)", (event, "\\x" + event[-2:], booking.key)),
        Statement("scheduling_app", "COMMIT", ()),
    ]


ONE = statements(BOOKINGS[0], "2035-01-01 09:00:00+00", "2035-01-01 09:15:00+00", EVENTS[0])
OTHER = statements(BOOKINGS[1], "2035-01-02 10:15:00+00", "2035-01-02 10:30:00+00", EVENTS[1])


def test_each_parameter_is_what_it_was_made_from() -> None:
    steps = template(ONE, OTHER, BOOKINGS)
    assert steps[0].slots == [Slot("constant", "\\x00ff")]
    assert steps[2].slots == [
        Slot("constant", CUSTOMER), Slot("provider"), Slot("start", "0.0"), Slot("start", "900.0"), Slot("constant"),
    ]  # fmt: skip
    assert steps[3].slots == [Slot("fresh", EVENTS[0]), Slot("constant", "\\x61"), Slot("key")]


def test_filled_in_it_is_the_sql_of_another_booking() -> None:
    steps = template(ONE, OTHER, BOOKINGS)
    third = Booking(CUSTOMER, "2035-03-01T00:00:00+00:00", "key-3")
    new = dict.fromkeys(fresh_ids(steps), "fresh")
    assert filled(steps[2].slots, third, new) == [
        CUSTOMER, CUSTOMER, "2035-03-01T00:00:00+00:00", "2035-03-01T00:15:00+00:00", None,
    ]  # fmt: skip
    assert filled(steps[3].slots, third, new) == ["fresh", "\\x61", "key-3"]


def test_arrays_of_the_provider_and_seconds_since_1970_follow_the_booking() -> None:
    def asked(provider: str, second: str) -> list[Statement]:
        return [Statement("scheduling_app", "SELECT taken($1, $2)", (f"{{{provider}}}", second))]

    steps = template(asked(ANN, "2051254800"), asked(BEN, "2051345700"), BOOKINGS)
    assert steps[0].slots == [Slot("providers"), Slot("epoch", "0.0")]
    third = Booking(CUSTOMER, "2035-01-01T09:15:00+00:00", "key-3")
    assert filled(steps[0].slots, third, {}) == [f"{{{CUSTOMER}}}", "2051255700"]


def test_an_id_that_stands_twice_is_made_once() -> None:
    def told_twice(event: str) -> list[Statement]:
        return [Statement("scheduling_app", "INSERT INTO outbox VALUES ($1, $2)", (event, event))]

    steps = template(told_twice(EVENTS[0]), told_twice(EVENTS[1]), BOOKINGS)
    assert fresh_ids(steps) == {EVENTS[0]}


def test_two_bookings_that_differ_in_their_sql_have_no_template() -> None:
    with pytest.raises(SurroundingsError, match="same SQL"):
        template(ONE, OTHER[:-1], BOOKINGS)


def test_a_template_survives_json() -> None:
    steps = template(ONE, OTHER, BOOKINGS)
    assert from_json(json.loads(json.dumps(steps))) == steps


def test_what_only_opens_and_ends_a_transaction_can_be_left_out() -> None:
    steps = template(ONE, OTHER, BOOKINGS)
    assert [step.sql for step in without_control(steps)] == [steps[0].sql, steps[2].sql, steps[3].sql]
