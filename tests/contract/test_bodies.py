"""A malformed body is refused, and the error names the member."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from contracts.scheduling import codec
from contracts.scheduling.errors import InvalidRequest
from contracts.scheduling.operations import operation_of
from contracts.scheduling.port import SchedulingPort

Method = Callable[..., Any]
"""A method of the port, which names its operation."""

SOME_ID = "019a0000-0000-7000-8000-000000000001"
BOOK = {"offering_id": SOME_ID, "provider_id": SOME_ID, "customer_id": SOME_ID, "starts_at": "2030-05-06T09:00:00Z"}
OFFERING = {"name": "Cut", "duration_minutes": 30}


def sent(method: Method, body: dict[str, Any] | bytes, **path: str) -> Any:
    """Decode a body as the service does. Instants and ids are text, as on the wire."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return codec.decode_request(operation_of(method), path, "", content)


def refused(method: Method, body: dict[str, Any] | bytes, **path: str) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        sent(method, body, **path)
    return caught.value


@pytest.mark.row("H26", "H27", "H28")
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
    assert refused(SchedulingPort.create_offering, body).message


@pytest.mark.parametrize(
    "method, body, field",
    [
        (SchedulingPort.create_offering, OFFERING | {"price": 1}, "price"),
        (SchedulingPort.create_offering, OFFERING | {"business_id": SOME_ID}, "business_id"),
        (SchedulingPort.create_offering, {"name": "Cut"}, "duration_minutes"),
        (SchedulingPort.create_offering, OFFERING | {"name": "x" * 81}, "name"),
        (SchedulingPort.create_offering, OFFERING | {"name": ""}, "name"),
        (SchedulingPort.create_offering, OFFERING | {"duration_minutes": 0}, "duration_minutes"),
        (SchedulingPort.create_offering, OFFERING | {"duration_minutes": 24 * 60 + 1}, "duration_minutes"),
        (SchedulingPort.create_provider, {"name": "Ada", "zone": "Europe/Atlantis"}, "zone"),
        (SchedulingPort.book, BOOK | {"starts_at": "2030-05-06T09:00:00"}, "starts_at"),
        (SchedulingPort.book, BOOK | {"starts_at": "2030-05-06"}, "starts_at"),
        (SchedulingPort.book, BOOK | {"starts_at": 1_904_000_000}, "starts_at"),
        (SchedulingPort.book, BOOK | {"starts_at": "2030-05-06T09:00:30Z"}, "starts_at"),
        (SchedulingPort.book, BOOK | {"starts_at": "9999-12-31T23:59:00Z"}, "starts_at"),
        (SchedulingPort.book, BOOK | {"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        (SchedulingPort.book, BOOK | {"provider_id": "1"}, "provider_id"),
        (SchedulingPort.book, BOOK | {"note": "x" * 501}, "note"),
        (SchedulingPort.book, BOOK | {"note": None}, "note"),
        (SchedulingPort.book, BOOK | {"status": "booked"}, "status"),
    ],
)
def test_invalid_member_is_named(method: Method, body: dict[str, Any], field: str) -> None:
    assert refused(method, body).field == field


@pytest.mark.parametrize(
    "ranges, field",
    [
        ([{"weekday": 8, "opens": "09:00", "closes": "10:00"}], "ranges[0].weekday"),
        ([{"weekday": 1, "opens": "9:00", "closes": "10:00"}], "ranges[0].opens"),
        ([{"weekday": 1, "opens": "09:00\n", "closes": "10:00"}], "ranges[0].opens"),
        ([{"weekday": 1, "opens": "09:00", "closes": "24:01"}], "ranges[0].closes"),
        (
            [{"weekday": 1, "opens": "22:00", "closes": "02:00"}, {"weekday": 2, "opens": "01:00", "closes": "03:00"}],
            "ranges",
        ),
        (
            [{"weekday": 7, "opens": "22:00", "closes": "02:00"}, {"weekday": 1, "opens": "01:59", "closes": "03:00"}],
            "ranges",
        ),
        ([{"weekday": 1, "opens": "09:00", "closes": "10:00", "zone": "UTC"}], "ranges[0].zone"),
        ([{"weekday": 1, "opens": "09:00"}], "ranges[0].closes"),
        (
            [{"weekday": 1, "opens": "09:00", "closes": "12:00"}, {"weekday": 1, "opens": "11:00", "closes": "13:00"}],
            "ranges",
        ),
    ],
)
def test_invalid_nested_member_is_named_by_path(ranges: list[dict[str, Any]], field: str) -> None:
    assert refused(SchedulingPort.set_weekly_hours, {"ranges": ranges}, provider_id=SOME_ID).field == field


@pytest.mark.parametrize(
    "body, field",
    [
        (OFFERING | {"window": {"kind": "rolling_days"}}, "window.days"),
        (OFFERING | {"window": {"days": 3}}, "window.days"),
        (OFFERING | {"window": {"kind": "fixed", "first": "2030-05-06"}}, "window.first"),
        (OFFERING | {"window": {"kind": "fixed", "first": "2030-05-06", "last": "2030-05-05"}}, "window.last"),
        (OFFERING | {"window": {"kind": "rolling", "days": 3}}, "window.kind"),
        (OFFERING | {"limits": {"provider_day": 0}}, "limits.provider_day"),
        (OFFERING | {"policy": {"late_fee_percent": 101}}, "policy.late_fee_percent"),
        (OFFERING | {"policy": {"fee": 1}}, "policy.fee"),
        (OFFERING | {"capacity": 2, "assignment": "collective"}, "capacity"),
        (OFFERING | {"needs": [{"kind": "room"}, {"kind": "room"}]}, "needs"),
        (OFFERING | {"needs": [{"kind": "Room 1"}]}, "needs[0].kind"),
        (OFFERING | {"duration_choices_minutes": [30, 0]}, "duration_choices_minutes[1]"),
        (OFFERING | {"hold_minutes": 121}, "hold_minutes"),
    ],
)
def test_a_wrong_rule_of_an_offering_is_named_by_its_path(body: dict[str, Any], field: str) -> None:
    assert refused(SchedulingPort.create_offering, body).field == field


@pytest.mark.parametrize(
    "method, body, path, field",
    [
        (SchedulingPort.set_weekly_hours, {"ranges": [], "remove": True}, {"provider_id": SOME_ID}, "effective_from"),
        (
            SchedulingPort.set_weekly_hours,
            {"ranges": [], "effective_from": "2030-05-06", "effective_until": "2030-05-05"},
            {"provider_id": SOME_ID},
            "effective_until",
        ),
        (
            SchedulingPort.set_date_override,
            {"mode": "replace"},
            {"provider_id": SOME_ID, "date": "2030-05-06"},
            "ranges",
        ),
        (
            SchedulingPort.set_date_override,
            {"mode": "close", "ranges": [{"opens": "09:00", "closes": "10:00"}]},
            {"provider_id": SOME_ID, "date": "2030-05-06"},
            "ranges",
        ),
        (SchedulingPort.set_holidays, {"holidays": [{"date": "2030-05-06", "name": "A"}] * 2}, {}, "holidays"),
        (SchedulingPort.block_time, {"start": "2030-05-06T09:00:00Z", "end": "2032-05-06T09:00:00Z"}, {}, "end"),
        (
            SchedulingPort.block_time,
            {
                "start": "2030-05-06T09:00:00Z",
                "end": "2030-05-06T10:00:00Z",
                "provider_id": SOME_ID,
                "resource_id": SOME_ID,
            },
            {},
            "provider_id",
        ),
        (
            SchedulingPort.book_series,
            BOOK | {"recurrence": {"every": "year", "count": 3}},
            {},
            "recurrence.every",
        ),
        (SchedulingPort.book_series, BOOK | {"recurrence": {"every": "week", "count": 53}}, {}, "recurrence.count"),
        (
            SchedulingPort.book_visit,
            {"customer_id": SOME_ID, "starts_at": BOOK["starts_at"], "items": [{"offering_id": SOME_ID}]},
            {},
            "items",
        ),
    ],
)
def test_members_that_do_not_fit_together_are_named(
    method: Method, body: dict[str, Any], path: dict[str, str], field: str
) -> None:
    assert refused(method, body, **path).field == field


def test_path_member_is_refused_in_the_body() -> None:
    assert refused(SchedulingPort.cancel, {"appointment_id": SOME_ID}, appointment_id=SOME_ID).field == "appointment_id"
