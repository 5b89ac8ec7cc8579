"""A template derived from two recorded bookings, and its parameters for a third."""

import json

import pytest

from deploy.errors import CommandError
from loadtests.bench.sql_recording import RecordedStatement
from loadtests.bench.sql_replay import (
    BookingRequest,
    ParameterSource,
    build_template,
    fill_parameters,
    fresh_ids,
    from_json,
    without_transaction_control,
)

ANN, BEN = "01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058"
CUSTOMER = "01890a5d-ac96-774b-bcce-b302099a8059"
EVENTS = ("01890a5d-ac96-774b-bcce-b302099a8061", "01890a5d-ac96-774b-bcce-b302099a8062")
BOOKINGS = (
    BookingRequest(ANN, "2035-01-01T09:00:00+00:00", "key-1"),
    BookingRequest(BEN, "2035-01-02T10:15:00+00:00", "key-2"),
)
INSERT = "INSERT INTO appointment VALUES ($1, $2, $3, $4, $5)"


def statements(booking: BookingRequest, start: str, end: str, event: str) -> list[RecordedStatement]:
    return [
        RecordedStatement("auth_app", "SELECT 1 FROM session WHERE secret_hash = $1", ("\\x00ff",)),
        RecordedStatement("scheduling_app", "BEGIN", ()),
        RecordedStatement("scheduling_app", INSERT, (CUSTOMER, booking.provider_id, start, end, None)),
        RecordedStatement(
            "scheduling_app", "INSERT INTO outbox VALUES ($1, $2, $3)", (event, "\\x" + event[-2:], booking.key)
        ),
        RecordedStatement("scheduling_app", "COMMIT", ()),
    ]


ONE = statements(BOOKINGS[0], "2035-01-01 09:00:00+00", "2035-01-01 09:15:00+00", EVENTS[0])
OTHER = statements(BOOKINGS[1], "2035-01-02 10:15:00+00", "2035-01-02 10:30:00+00", EVENTS[1])


def test_source_of_each_parameter_is_recognized() -> None:
    steps = build_template(ONE, OTHER, BOOKINGS)
    assert steps[0].parameters == [ParameterSource("constant", "\\x00ff")]
    assert steps[2].parameters == [
        ParameterSource("constant", CUSTOMER),
        ParameterSource("provider"),
        ParameterSource("start", "0.0"),
        ParameterSource("start", "900.0"),
        ParameterSource("constant"),
    ]
    assert steps[3].parameters == [
        ParameterSource("fresh", EVENTS[0]),
        ParameterSource("constant", "\\x61"),
        ParameterSource("key"),
    ]


def test_filled_template_is_the_sql_of_another_booking() -> None:
    steps = build_template(ONE, OTHER, BOOKINGS)
    third = BookingRequest(CUSTOMER, "2035-03-01T00:00:00+00:00", "key-3")
    new = dict.fromkeys(fresh_ids(steps), "fresh")
    assert fill_parameters(steps[2].parameters, third, new) == [
        CUSTOMER, CUSTOMER, "2035-03-01T00:00:00+00:00", "2035-03-01T00:15:00+00:00", None,
    ]  # fmt: skip
    assert fill_parameters(steps[3].parameters, third, new) == ["fresh", "\\x61", "key-3"]


def test_provider_arrays_and_epoch_seconds_follow_the_booking() -> None:
    def statement(provider: str, second: str) -> list[RecordedStatement]:
        return [RecordedStatement("scheduling_app", "SELECT taken($1, $2)", (f"{{{provider}}}", second))]

    steps = build_template(statement(ANN, "2051254800"), statement(BEN, "2051345700"), BOOKINGS)
    assert steps[0].parameters == [ParameterSource("providers"), ParameterSource("epoch", "0.0")]
    third = BookingRequest(CUSTOMER, "2035-01-01T09:15:00+00:00", "key-3")
    assert fill_parameters(steps[0].parameters, third, {}) == [f"{{{CUSTOMER}}}", "2051255700"]


def test_repeated_id_is_replaced_consistently() -> None:
    def sent_twice(event: str) -> list[RecordedStatement]:
        return [RecordedStatement("scheduling_app", "INSERT INTO outbox VALUES ($1, $2)", (event, event))]

    steps = build_template(sent_twice(EVENTS[0]), sent_twice(EVENTS[1]), BOOKINGS)
    assert fresh_ids(steps) == {EVENTS[0]}


def test_bookings_with_different_sql_are_rejected() -> None:
    with pytest.raises(CommandError, match="same SQL"):
        build_template(ONE, OTHER[:-1], BOOKINGS)


def test_template_is_restored_from_json() -> None:
    steps = build_template(ONE, OTHER, BOOKINGS)
    assert from_json(json.loads(json.dumps(steps))) == steps


def test_transaction_control_can_be_removed() -> None:
    steps = build_template(ONE, OTHER, BOOKINGS)
    assert [step.sql for step in without_transaction_control(steps)] == [steps[0].sql, steps[2].sql, steps[3].sql]
