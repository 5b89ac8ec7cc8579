"""What one side writes the other side reads; what neither would write is refused, and says where."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.scheduling import codec, events
from contracts.scheduling import operations as ops
from contracts.scheduling.errors import InvalidRequest
from contracts.scheduling.operation_errors import AnyOperation
from contracts.scheduling.operations import OPERATIONS
from tests.contract.strategies import models
from tests.contract.wire import read_request

SOME_ID = "019a0000-0000-7000-8000-000000000001"
BOOK = {"offering_id": SOME_ID, "provider_id": SOME_ID, "customer_id": SOME_ID, "starts_at": "2030-05-06T09:00:00Z"}
OFFERING = {"name": "Cut", "duration_minutes": 30}

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


def sent(operation: AnyOperation, body: dict[str, Any] | bytes, **path: str) -> Any:
    """What the service makes of a body. Every instant and id in it is text, as on the wire."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return codec.decode_request(operation, path, {}, content)


def refused(operation: AnyOperation, body: dict[str, Any] | bytes, **path: str) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        sent(operation, body, **path)
    return caught.value


@each_operation
@given(data=st.data())
def test_a_request_arrives_as_it_was_sent(operation: AnyOperation, data: st.DataObject) -> None:
    request = data.draw(models(operation.request))
    assert read_request(operation, codec.encode_request(operation, request)) == request
    assert codec.validate(request) == request


@each_operation
@given(data=st.data())
def test_a_reply_arrives_as_it_was_sent(operation: AnyOperation, data: st.DataObject) -> None:
    reply = data.draw(models(operation.reply))
    assert codec.decode_reply(operation, codec.encode_reply(reply)) == reply


@pytest.mark.parametrize("kind", [events.AppointmentBooked, events.AppointmentRescheduled, events.AppointmentCancelled])
@given(data=st.data())
def test_an_event_arrives_as_it_was_sent(kind: type[events.Event], data: st.DataObject) -> None:
    event = data.draw(models(kind))
    received = codec.decode_event(codec.encode_event(event))
    assert type(received) is kind
    assert received == event
    assert received.version == event.appointment.version


@each_operation
@given(data=st.data())
def test_a_reply_may_gain_members_at_any_depth(operation: AnyOperation, data: st.DataObject) -> None:
    reply = data.draw(models(operation.reply))
    grown = _grown(json.loads(codec.encode_reply(reply)))
    assert codec.decode_reply(operation, json.dumps(grown).encode()) == reply


@given(event=models(events.AppointmentBooked))
def test_an_event_may_gain_members_at_any_depth(event: events.AppointmentBooked) -> None:
    grown = _grown(json.loads(codec.encode_event(event)))
    assert codec.decode_event(json.dumps(grown).encode()) == event


@each_operation
@given(data=st.data())
def test_a_reply_without_one_of_its_members_is_malformed(operation: AnyOperation, data: st.DataObject) -> None:
    members = json.loads(codec.encode_reply(data.draw(models(operation.reply))))
    required = [name for name in members if members[name] is not None and name not in _OPTIONAL]
    del members[data.draw(st.sampled_from(required))]
    with pytest.raises(codec.MalformedReply, match=operation.name):
        codec.decode_reply(operation, json.dumps(members).encode())


_OPTIONAL = {"next_cursor", "cancelled_at", "cancel_reason", "cancelled_in_time"}


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"<html>", b'{"offerings": null}', b'{"offerings": [{}]}', b'{"offerings": []', b"\xff"],
)
def test_a_wrong_reply_is_malformed(body: bytes) -> None:
    with pytest.raises(codec.MalformedReply):
        codec.decode_reply(ops.LIST_OFFERINGS, body)


def test_a_reply_with_an_unknown_status_is_malformed() -> None:
    """A new status would be a guess at what it means; the compatibility check refuses it before it is sent."""
    with pytest.raises(codec.MalformedReply, match="no_show"):
        codec.decode_reply(ops.GET_APPOINTMENT, b'{"status": "no_show"}')


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"name": "Cut", "duration_minutes": NaN}', id="NaN"),
        pytest.param(b'{"name": "Cut", "duration_minutes": Infinity}', id="Infinity"),
        pytest.param(b'{"name": "Cut", "duration_minutes": 1e400}', id="1e400"),
        pytest.param(b'{"name": "Cut", "duration_minutes": ' + b"9" * 5_000 + b"}", id="5,000 digits"),
        pytest.param(b'{"name": "Cut", "duration_minutes": true}', id="true for a number"),
        pytest.param(b'{"name": "Cut", "duration_minutes": "30"}', id="text for a number"),
        pytest.param(b'{"name": "Cut", "name": "Dye", "duration_minutes": 30}', id="a key twice"),
        pytest.param(b'{"name": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", id="5,000 lists deep"),
        pytest.param(b'{"name": ' * 5_000 + b"1" + b"}" * 5_000, id="5,000 objects deep"),
        pytest.param(b"[" * 5_000, id="5,000 unclosed"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"Cut"', id="a string"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"name": "Cut", "duration_minutes": 30} {}', id="two objects"),
        pytest.param(b'{"name": "C\xff", "duration_minutes": 30}', id="not UTF-8"),
        pytest.param('{"name": "Cut", "duration_minutes": 30}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"name": "C\\ud800", "duration_minutes": 30}', id="half a surrogate pair"),
        pytest.param(b'{"name": "C\\u0000", "duration_minutes": 30}', id="NUL"),
        pytest.param(b'{"name": "Cut\\n", "duration_minutes": 30}', id="a line break at the end"),
        pytest.param(b'{"name": "Cut\\r\\nBcc: x@y.z", "duration_minutes": 30}', id="CR LF"),
    ],
)
def test_hostile_json_is_refused(body: bytes) -> None:
    assert refused(ops.CREATE_OFFERING, body).message


@pytest.mark.parametrize(
    "operation, body, field",
    [
        (ops.CREATE_OFFERING, OFFERING | {"price": 1}, "price"),
        (ops.CREATE_OFFERING, OFFERING | {"business_id": SOME_ID}, "business_id"),
        (ops.CREATE_OFFERING, {"name": "Cut"}, "duration_minutes"),
        (ops.CREATE_OFFERING, OFFERING | {"name": "x" * 81}, "name"),
        (ops.CREATE_OFFERING, OFFERING | {"name": ""}, "name"),
        (ops.CREATE_OFFERING, OFFERING | {"duration_minutes": 0}, "duration_minutes"),
        (ops.CREATE_OFFERING, OFFERING | {"duration_minutes": 24 * 60 + 1}, "duration_minutes"),
        (ops.CREATE_PROVIDER, {"name": "Ada", "zone": "Europe/Atlantis"}, "zone"),
        (ops.BOOK, BOOK | {"starts_at": "2030-05-06T09:00:00"}, "starts_at"),
        (ops.BOOK, BOOK | {"starts_at": "2030-05-06"}, "starts_at"),
        (ops.BOOK, BOOK | {"starts_at": 1_904_000_000}, "starts_at"),
        (ops.BOOK, BOOK | {"starts_at": "2030-05-06T09:00:30Z"}, "starts_at"),
        (ops.BOOK, BOOK | {"starts_at": "9999-12-31T23:59:00Z"}, "starts_at"),
        (ops.BOOK, BOOK | {"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        (ops.BOOK, BOOK | {"provider_id": "1"}, "provider_id"),
        (ops.BOOK, BOOK | {"note": "x" * 501}, "note"),
        (ops.BOOK, BOOK | {"note": None}, "note"),
        (ops.BOOK, BOOK | {"status": "booked"}, "status"),
    ],
)
def test_a_wrong_member_is_named(operation: AnyOperation, body: dict[str, Any], field: str) -> None:
    assert refused(operation, body).field == field


@pytest.mark.parametrize(
    "ranges, field",
    [
        ([{"weekday": 8, "opens": "09:00", "closes": "10:00"}], "ranges[0].weekday"),
        ([{"weekday": 1, "opens": "9:00", "closes": "10:00"}], "ranges[0].opens"),
        ([{"weekday": 1, "opens": "09:00\n", "closes": "10:00"}], "ranges[0].opens"),
        ([{"weekday": 1, "opens": "09:00", "closes": "24:01"}], "ranges[0].closes"),
        ([{"weekday": 1, "opens": "12:00", "closes": "10:00"}], "ranges[0].closes"),
        ([{"weekday": 1, "opens": "09:00", "closes": "10:00", "zone": "UTC"}], "ranges[0].zone"),
        ([{"weekday": 1, "opens": "09:00"}], "ranges[0].closes"),
        (
            [{"weekday": 1, "opens": "09:00", "closes": "12:00"}, {"weekday": 1, "opens": "11:00", "closes": "13:00"}],
            "ranges",
        ),
    ],
)
def test_a_wrong_member_is_named_by_its_path(ranges: list[dict[str, Any]], field: str) -> None:
    assert refused(ops.SET_WEEKLY_HOURS, {"ranges": ranges}, provider_id=SOME_ID).field == field


def test_a_member_of_the_path_may_not_stand_in_the_body_too() -> None:
    assert refused(ops.CANCEL, {"appointment_id": SOME_ID}, appointment_id=SOME_ID).field == "appointment_id"


@pytest.mark.parametrize(
    "query, field",
    [
        ({"end": ["2030-05-05T00:00:00Z"]}, "end"),
        ({"end": ["2030-05-06T00:00:00Z"]}, "end"),
        ({"end": ["2040-05-06T00:00:00Z"]}, "end"),
        ({"end": ["2030-05-07T00:00:00"]}, "end"),
        ({"start": ["2030-05-06T00:00:00"]}, "start"),
        ({"offering_id": ["'; DROP TABLE offering; --"]}, "offering_id"),
        ({"offering_id": [SOME_ID, SOME_ID]}, "offering_id"),
        ({"sort": ["name"]}, "sort"),
        ({"offering_id": []}, "offering_id"),
    ],
)
def test_a_wrong_query_is_named(query: dict[str, list[str]], field: str) -> None:
    good = {"offering_id": [SOME_ID], "start": ["2030-05-06T00:00:00Z"], "end": ["2030-05-07T00:00:00Z"]}
    with pytest.raises(InvalidRequest) as caught:
        codec.decode_request(ops.SEARCH_SLOTS, {}, {k: v for k, v in (good | query).items() if v}, b"")
    assert caught.value.field == field


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "0x10", "ten", ""])
def test_a_page_has_1_to_200_entries(limit: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        codec.decode_request(ops.LIST_APPOINTMENTS, {}, {"limit": [limit]}, b"")
    assert caught.value.field == "limit"


@pytest.mark.parametrize("key", [None, "", " ", "a b", "a\r\nb", "a\n", "ключ", "x" * 201, "x" * 10_000, "\x7f"])
def test_a_malformed_key_is_refused(key: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        codec.require_key(key)
    assert caught.value.field == codec.IDEMPOTENCY_KEY


def test_a_key_of_200_visible_characters_is_accepted() -> None:
    assert codec.require_key("~!" * 100) == "~!" * 100


def _grown(value: Any) -> Any:
    """The same JSON with a member more in every object."""
    if isinstance(value, dict):
        return {"added_later": {"x": [1]}} | {name: _grown(each) for name, each in value.items()}
    return [_grown(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("field", "text"), [("limit", "1e2"), ("limit", "5.0"), ("limit", " 5"), ("start", "1700000000"), ("start", "1")]
)
def test_a_query_is_as_strict_as_a_body(field: str, text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        codec.decode_request(ops.LIST_APPOINTMENTS, {}, {field: [text]}, b"")
    assert refused.value.field == field
