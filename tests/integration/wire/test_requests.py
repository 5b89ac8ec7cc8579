"""Request handling: deadlines, keys, bodies, traces. Hostile input 2 to 4, 8, 12, 13 and 25 to 30."""

import json
import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from contracts.chassis.http_constants import MAX_REQUEST_BYTES
from deploy.devstack.keys import Keys
from monolith.modules.scheduling.adapters.tokens import signer_from
from tests.contract.port.shop import Caller, Shop, at
from tests.integration.wire.client import RawClient

CUT = {"name": "Cut", "duration_minutes": 30}


def test_a_valid_write_is_executed_once(client: RawClient) -> None:
    first = client.create_offering(CUT, key="the-same")
    again = client.create_offering(CUT, key="the-same")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.headers["Content-Type"] == "application/json"
    assert int(first.headers["Content-Length"]) == len(first.content)


@pytest.mark.row("H8")
@pytest.mark.parametrize("key", ["x" * 10_000, "two words", "tab\there"], ids=["10 kB", "blank", "tab"])
def test_an_invalid_key_is_refused(client: RawClient, key: str) -> None:
    response = client.create_offering(CUT, Idempotency_Key=key)
    assert response.status_code in (400, 431)


def test_a_write_without_a_key_is_refused(client: RawClient) -> None:
    headers = client.for_write("create_offering", "some")
    del headers["Idempotency-Key"]
    lines = [f"{name}: {value}" for name, value in headers.items()]
    status, reply = client.raw("POST /v1/offerings HTTP/1.1", "Host: x", "Content-Length: 2", *lines, body=b"{}")
    assert status == 400
    assert b'"field":"Idempotency-Key"' in reply


@pytest.mark.parametrize(
    "body, field",
    [
        (b'{"name": "Cut", "duration_minutes": 30, "business_id": "%s"}' % str(UUID(int=1)).encode(), "business_id"),
        (b'{"name": "Cut", "duration_minutes": 30, "price": 0}', "price"),
        (b'{"name": "Cut", "duration_minutes": true}', "duration_minutes"),
        (b'{"name": "Cut", "duration_minutes": "30"}', "duration_minutes"),
        (b'{"name": "Cut", "duration_minutes": 1e400}', "duration_minutes"),
        (b'{"name": "Cut\\r\\nBcc: all", "duration_minutes": 30}', "name"),
        (b'{"name": "Cut", "duration_minutes": NaN}', None),
        (b'{"name": "Cut", "name": "Colour", "duration_minutes": 30}', None),
        (b"[" * 5_000 + b"]" * 5_000, None),
        (b'{"name": "Cut"', None),
        (b"[]", None),
        (b"", None),
        (b"\xff\xfe", None),
    ],
)
def test_a_body_that_does_not_match_the_request_is_refused(client: RawClient, body: bytes, field: str | None) -> None:
    response = client.create_offering(body)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == "invalid_request"
    assert problem.get("field") == field


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_media_type_is_refused(client: RawClient, media_type: str) -> None:
    response = client.create_offering(json.dumps(CUT).encode(), Content_Type=media_type)
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"


@pytest.mark.row("H25")
def test_a_body_beyond_the_limit_is_refused(client: RawClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(MAX_REQUEST_BYTES // 1024 + 2):
            yield b" " * 1024

    for body in (b" " * (MAX_REQUEST_BYTES + 1), chunks()):
        response = client.create_offering(body)
        assert response.status_code == 413
        assert response.json()["code"] == "body_too_large"


def test_a_chunked_body_within_the_limit_is_accepted(client: RawClient) -> None:
    assert client.create_offering(iter([b'{"name": "Cut",', b'"duration_minutes": 30}'])).status_code == 201


def test_a_truncated_body_is_refused(client: RawClient) -> None:
    lines = [f"{name}: {value}" for name, value in client.for_write("create_offering", "k").items()]
    body = b'{"name": "Cut", "duration_minutes": 30}'
    head = ["POST /v1/offerings HTTP/1.1", "Host: x", f"Content-Length: {len(body) + 5}", *lines]
    assert client.raw(*head, body=body)[0] == 400


def test_malformed_chunks_are_refused(client: RawClient) -> None:
    lines = [f"{name}: {value}" for name, value in client.for_write("create_offering", "k").items()]
    head = ["POST /v1/offerings HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", *lines]
    assert client.raw(*head, body=b"zz\r\n{}\r\n0\r\n\r\n")[0] == 400


@pytest.mark.row("H29")
@pytest.mark.parametrize(
    "lines, status",
    [
        (["Host: x", "Content-Length: 2", "Transfer-Encoding: chunked"], 400),
        (["Host: x", "Host: y"], 400),
        (["Host: x", "X-Nul: a\0b"], 400),
        (["Host: x", "X-Long: " + "x" * 9_000], 431),
    ],
    ids=["two lengths", "two hosts", "a NUL", "9 kB of header"],
)
def test_ambiguous_requests_are_refused(client: RawClient, lines: list[str], status: int) -> None:
    assert client.raw("GET /healthz HTTP/1.1", *lines, body=b"0\r\n\r\n")[0] == status


def test_unknown_paths_and_methods_are_refused(client: RawClient) -> None:
    for path in ("/v1/nothing", "/v1//offerings", "/v1/offerings/", "/", "/v1/appointments/%2e%2e"):
        response = client.get(path)
        assert response.status_code in (400, 404)
        assert response.headers["Content-Type"] == "application/problem+json"
    status, reply = client.raw("DELETE /v1/offerings HTTP/1.1", "Host: x", "Connection: close")
    assert status == 405
    assert b'"code":"method_not_allowed"' in reply
    assert b"Allow: " in reply
    assert client.get(f"/v1/appointments/{uuid4()}/cancel").status_code == 405


def test_a_query_that_does_not_match_the_request_is_refused(client: RawClient) -> None:
    for query in ("surprise=1", "limit=5&limit=6", "limit=many", "start=2040-01-01T00:00:00"):
        response = client.get(f"/v1/appointments?{query}")
        assert response.status_code == 400, query


@pytest.mark.row("H4")
def test_headers_that_name_a_business_or_user_are_ignored(client: RawClient, shop: Shop) -> None:
    response = client.get("/v1/business", X_Business=str(uuid4()), X_User_Id=str(uuid4()), X_Forwarded_For="10.0.0.1")
    assert response.json()["business_id"] == str(shop.business_id)


@pytest.mark.parametrize(
    "time_left, status, code",
    [
        ("1500", 200, None),
        ("999999999", 200, None),
        ("0", 504, "deadline_exceeded"),
        ("-20", 504, "deadline_exceeded"),
        ("1.5", 400, "invalid_request"),
        ("soon", 400, "invalid_request"),
        ("1" * 30, 400, "invalid_request"),
    ],
)
def test_the_remaining_time_is_respected(client: RawClient, time_left: str, status: int, code: str | None) -> None:
    response = client.get("/v1/offerings", Time_Left_Ms=time_left)
    assert response.status_code == status
    assert response.json().get("code") == code


def test_trace_and_request_id_are_returned(client: RawClient) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    response = client.get("/v1/offerings", traceparent=f"00-{trace}-b7ad6b7169203331-01", X_Request_Id="asked-7")
    assert response.headers["X-Request-Id"] == "asked-7"
    continued = re.fullmatch(rf"00-{trace}-([0-9a-f]{{16}})-01", response.headers["traceparent"])
    assert continued
    assert continued[1] != "b7ad6b7169203331"


@pytest.mark.parametrize("request_id", ["a b", "<script>", "x" * 65, "é"])
def test_an_unsafe_request_id_is_replaced(client: RawClient, request_id: str) -> None:
    response = client.get("/v1/offerings", X_Request_Id=request_id)
    assert re.fullmatch("[0-9a-f]{16}", response.headers["X-Request-Id"])


@pytest.mark.row("H2")
def test_another_business_sees_none_of_this_ones_data(client: RawClient, shop: Shop, keys: Keys) -> None:
    appointment = shop.book(at(9))
    assert client.get(f"/v1/appointments/{appointment.appointment_id}").status_code == 200
    stranger = RawClient(client.url, signer_from(keys.signing_key), Caller(uuid4(), shop.staff.actor))
    assert stranger.get(f"/v1/appointments/{appointment.appointment_id}").status_code == 404


def test_lists_booleans_and_dates_are_read_from_queries_and_paths(client: RawClient, shop: Shop) -> None:
    window = f"offering_id={shop.offering.offering_id}&start=2040-06-04T00:00:00Z&end=2040-06-05T00:00:00Z"
    listed = client.get(f"/v1/slots?{window}&provider_ids={shop.provider.provider_id}&by_day=true").json()
    assert [day["date"] for day in listed["days"]] == ["2040-06-04"]
    assert listed["slots"] == []
    for wrong, field in (("by_day=yes", "by_day"), ("provider_ids=a,b", "provider_ids[0]")):
        refused = client.get(f"/v1/slots?{window}&{wrong}")
        assert (refused.status_code, refused.json()["field"]) == (400, field)
    dates = f"/v1/providers/{shop.provider.provider_id}/overrides?first=2040-06-04&last=2040-06-03"
    assert client.get(dates).json()["field"] == "last"


def test_the_next_available_path_is_not_a_slot_id(client: RawClient, shop: Shop) -> None:
    answer = client.get(f"/v1/slots/next?offering_id={shop.offering.offering_id}&after=2040-07-02T00:00:00Z&limit=2")
    assert [slot["starts_at"] for slot in answer.json()["slots"]] == ["2040-07-02T09:00:00Z", "2040-07-02T10:00:00Z"]
