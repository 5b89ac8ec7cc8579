"""Messages survive a round trip, tolerate added members, and malformed replies are rejected."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.scheduling import codec, events
from contracts.scheduling import models as m
from contracts.scheduling.operations import AnyOperation, operation_of
from contracts.scheduling.port import OPERATIONS, SchedulingPort
from contracts.scheduling.validation import check_request
from tests.contract.strategies import models
from tests.contract.wire import read_request

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


@each_operation
@given(data=st.data())
def test_a_request_arrives_as_it_was_sent(operation: AnyOperation, data: st.DataObject) -> None:
    request = data.draw(models(operation.request))
    assert read_request(operation, codec.encode_request(operation, request)) == request
    assert check_request(request) == request


@each_operation
@given(data=st.data())
def test_a_reply_arrives_as_it_was_sent(operation: AnyOperation, data: st.DataObject) -> None:
    reply = data.draw(models(operation.reply))
    assert codec.decode_reply(operation, codec.encode_reply(reply)) == reply


@pytest.mark.parametrize("kind", get_args(events.AnyEvent), ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_an_event_arrives_as_it_was_sent(kind: type[events.Event], data: st.DataObject) -> None:
    event = data.draw(models(kind))
    received = events.decode_event(events.encode_event(event))
    assert type(received) is kind
    assert received == event
    assert received.version == event.appointment.version


@each_operation
@given(data=st.data())
def test_a_reply_may_gain_members_at_any_depth(operation: AnyOperation, data: st.DataObject) -> None:
    reply = data.draw(models(operation.reply))
    grown = _grown(json.loads(codec.encode_reply(reply)), reply)
    assert codec.decode_reply(operation, json.dumps(grown).encode()) == reply


@given(event=models(events.AppointmentBooked))
def test_an_event_may_gain_members_at_any_depth(event: events.AppointmentBooked) -> None:
    grown = _grown(json.loads(events.encode_event(event)), event)
    assert events.decode_event(json.dumps(grown).encode()) == event


@each_operation
@given(data=st.data())
def test_a_reply_without_one_of_its_members_is_malformed(operation: AnyOperation, data: st.DataObject) -> None:
    members = json.loads(codec.encode_reply(data.draw(models(operation.reply))))
    required = [each.encode_name for each in msgspec.structs.fields(operation.reply) if each.required]
    del members[data.draw(st.sampled_from(required))]
    with pytest.raises(codec.MalformedReply, match=operation.name):
        codec.decode_reply(operation, json.dumps(members).encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"<html>", b'{"offerings": null}', b'{"offerings": [{}]}', b'{"offerings": []', b"\xff"],
)
def test_a_wrong_reply_is_malformed(body: bytes) -> None:
    with pytest.raises(codec.MalformedReply):
        codec.decode_reply(operation_of(SchedulingPort.list_offerings), body)


NOT_UTF_8 = b'{"type": "appointment.booked", "code": "slot_unavailable", "name": "\xff", "traceparent": "\xff"}'


def test_text_that_is_not_utf_8_is_malformed() -> None:
    """Found by the fuzzer: msgspec raises another error for it than for other malformed JSON."""
    with pytest.raises(codec.MalformedReply):
        codec.decode_reply(operation_of(SchedulingPort.get_business), NOT_UTF_8)
    with pytest.raises(codec.MalformedReply):
        codec.decode_error(409, NOT_UTF_8.replace(b"slot_unavailable", b"\xff"))
    with pytest.raises(events.MalformedEvent):
        events.decode_event(NOT_UTF_8.replace(b"booked", b"\xff"))
    assert events.traceparent_of(NOT_UTF_8) is None


def test_a_reply_with_an_unknown_status_is_malformed() -> None:
    """The meaning of a new status is unknown to the reader; the compatibility check prevents sending one."""
    with pytest.raises(codec.MalformedReply, match="mislaid"):
        codec.decode_reply(operation_of(SchedulingPort.get_appointment), b'{"status": "mislaid"}')


def _grown(sent: Any, meant: Any) -> Any:
    """Return the JSON with an unknown member in every object except in values that requests carry too.

    Those are strict in both directions, and the compatibility check prevents their growth.
    """
    if isinstance(meant, m.Value):
        return sent
    if isinstance(meant, msgspec.Struct):
        return {"added_later": {"x": [1]}} | {
            name: _grown(each, getattr(meant, name, None)) for name, each in sent.items()
        }
    return [_grown(*each) for each in zip(sent, meant, strict=True)] if isinstance(sent, list) else sent
