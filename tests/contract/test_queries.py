"""Queries, paths and headers are parsed as strictly as bodies."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import TypeVar
from urllib.parse import urlencode
from uuid import UUID

import pytest

from contracts.chassis.http_constants import IDEMPOTENCY_KEY
from contracts.scheduling import codec
from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest
from contracts.scheduling.operations import Operation, operation_of
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.validation import require_key
from tests.contract.wire import read_request

GET_OVERVIEW = operation_of(SchedulingPort.get_overview)
LIST_APPOINTMENTS = operation_of(SchedulingPort.list_appointments)
SEARCH_SLOTS = operation_of(SchedulingPort.search_slots)
SET_DATE_OVERRIDE = operation_of(SchedulingPort.set_date_override)
SOME_ID = "019a0000-0000-7000-8000-000000000001"
OTHER_ID = "019a0000-0000-7000-8000-000000000002"
QUERY = {"offering_id": [SOME_ID], "start": ["2030-05-06T00:00:00Z"], "end": ["2030-05-07T00:00:00Z"]}

Q = TypeVar("Q", bound=m.Request)
R = TypeVar("R", bound=m.Reply)


def decoded(operation: Operation[Q, R], query: dict[str, list[str]]) -> Q:
    return codec.decode_request(operation, {}, urlencode(query, doseq=True), b"")


@pytest.mark.row("H35")
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
    with pytest.raises(InvalidRequest) as caught:
        decoded(SEARCH_SLOTS, QUERY | query)
    assert caught.value.field == field


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "0x10", "ten", ""])
def test_a_page_has_1_to_200_entries(limit: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(LIST_APPOINTMENTS, {"limit": [limit]})
    assert caught.value.field == "limit"


@pytest.mark.parametrize(
    ("field", "text"), [("limit", "1e2"), ("limit", "5.0"), ("limit", " 5"), ("start", "1700000000"), ("start", "1")]
)
def test_a_query_is_as_strict_as_a_body(field: str, text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decoded(LIST_APPOINTMENTS, {field: [text]})
    assert refused.value.field == field


def test_query_lists_use_commas_and_booleans_are_words() -> None:
    request = decoded(SEARCH_SLOTS, QUERY | {"provider_ids": [f"{SOME_ID},{OTHER_ID}"], "by_day": ["true"]})
    assert request.provider_ids == (UUID(SOME_ID), UUID(OTHER_ID))
    assert request.by_day is True
    target = codec.encode_request(SEARCH_SLOTS, request).target
    assert f"provider_ids={SOME_ID},{OTHER_ID}" in target
    assert "by_day=true" in target


def test_a_list_of_one_has_no_comma_and_an_empty_one_is_omitted() -> None:
    request = decoded(SEARCH_SLOTS, QUERY | {"provider_ids": [SOME_ID]})
    assert request.provider_ids == (UUID(SOME_ID),)
    plain = decoded(SEARCH_SLOTS, QUERY)
    assert "provider_ids" not in codec.encode_request(SEARCH_SLOTS, plain).target


@pytest.mark.parametrize(
    ("field", "text", "named"),
    [
        ("by_day", "True", "by_day"),
        ("by_day", "1", "by_day"),
        ("by_day", "", "by_day"),
        ("seats", "true", "seats"),
        ("provider_ids", "", "provider_ids[0]"),
        ("provider_ids", f"{SOME_ID},", "provider_ids[1]"),
        ("provider_ids", f"[{SOME_ID}]", "provider_ids[0]"),
        ("provider_ids", f"{SOME_ID}, {SOME_ID}", "provider_ids[1]"),
        ("provider_ids", ",".join([SOME_ID] * 101), "provider_ids"),
        ("viewer_zone", "Europe/Atlantis", "viewer_zone"),
    ],
)
def test_a_list_or_boolean_in_a_query_is_as_strict_as_in_a_body(field: str, text: str, named: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decoded(SEARCH_SLOTS, QUERY | {field: [text]})
    assert refused.value.field == named


def test_only_values_that_need_it_are_quoted() -> None:
    """Quoting costs both sides, and colons and commas are legal in a query (RFC 3986, section 3.4)."""
    request = m.ListAppointments(customer_id=UUID(SOME_ID), start=datetime(2030, 5, 6, tzinfo=UTC), cursor="a_b-c")
    wire = codec.encode_request(LIST_APPOINTMENTS, request)
    assert "start=2030-05-06T00:00:00Z" in wire.target
    assert read_request(LIST_APPOINTMENTS, wire) == request
    east = timezone(timedelta(hours=2))
    other = m.GetOverview(offering_id=UUID(SOME_ID), first=date(2030, 5, 6), viewer_zone="Etc/GMT+5")
    assert read_request(GET_OVERVIEW, codec.encode_request(GET_OVERVIEW, other)) == other
    later = m.SearchSlots(
        offering_id=UUID(SOME_ID), start=datetime(2030, 5, 6, tzinfo=east), end=datetime(2030, 5, 7, tzinfo=east)
    )
    assert "+02:00" not in codec.encode_request(SEARCH_SLOTS, later).target
    assert read_request(SEARCH_SLOTS, codec.encode_request(SEARCH_SLOTS, later)) == later


def test_date_is_accepted_in_a_path() -> None:
    request = m.SetDateOverride(provider_id=UUID(SOME_ID), date=date(2030, 2, 28), mode="close")
    wire = codec.encode_request(SET_DATE_OVERRIDE, request)
    assert wire.target == f"/v1/providers/{SOME_ID}/overrides/2030-02-28"
    assert read_request(SET_DATE_OVERRIDE, wire) == request


@pytest.mark.parametrize("day", ["2030-02-29", "2030-2-1", "20300201", "2030-02-01T00:00:00Z", "1", "today"])
def test_a_date_is_a_day_of_the_calendar(day: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        codec.decode_request(
            SET_DATE_OVERRIDE,
            {"provider_id": SOME_ID, "date": day},
            "",
            b'{"mode": "close"}',
        )
    assert caught.value.field == "date"
    with pytest.raises(InvalidRequest) as caught:
        decoded(GET_OVERVIEW, {"offering_id": [SOME_ID], "first": [day]})
    assert caught.value.field == "first"


@pytest.mark.parametrize("key", [None, "", " ", "a b", "a\r\nb", "a\n", "ключ", "x" * 201, "x" * 10_000, "\x7f"])
def test_a_malformed_key_is_refused(key: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        require_key(key)
    assert caught.value.field == IDEMPOTENCY_KEY


def test_a_key_of_200_visible_characters_is_accepted() -> None:
    assert require_key("~!" * 100) == "~!" * 100
