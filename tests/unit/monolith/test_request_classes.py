"""How important a waiting request is, by its method and path."""

import base64
import json

import pytest

from contracts.chassis.admission import UNKNOWN_TENANT, Priority, RequestClass
from contracts.scheduling.port import OPERATIONS
from monolith.shared.customer_links import CustomerLinks
from monolith.shared.database import new_id
from monolith.web.request_classes import classify
from scheduling_service.web.request_classes import classify as classify_call

API = "/api/v1/businesses/salon"


@pytest.mark.parametrize(
    ("method", "path", "priority", "tenant", "shared"),
    [
        ("GET", "/healthz", Priority.HEALTH, "", False),
        ("POST", "/api/v1/login", Priority.SIGN_IN, "", False),
        ("POST", "/b/salon/sign-in", Priority.SIGN_IN, "salon", False),
        ("POST", "/b/salon/sign-up", Priority.SIGN_IN, "salon", False),
        ("POST", "/api/v1/businesses/salon/customers", Priority.SIGN_IN, "salon", False),
        ("GET", "/api/v1/businesses/salon/customers", Priority.OTHER, "salon", False),
        ("POST", f"{API}/appointments/some-id/cancel", Priority.CONFIRM, "salon", True),
        ("POST", "/b/salon/appointments/some-id/confirm", Priority.CONFIRM, "salon", True),
        ("POST", "/b/salon/waiting/some-id/leave", Priority.CONFIRM, "salon", True),
        ("POST", f"{API}/appointments", Priority.BOOK, "salon", True),
        ("POST", "/b/salon/confirm", Priority.BOOK, "salon", True),
        ("GET", f"{API}/appointments", Priority.OTHER, "salon", True),
        ("GET", f"{API}/slots/next", Priority.SEARCH, "salon", True),
        ("GET", f"{API}/overview", Priority.SEARCH, "salon", True),
        ("HEAD", f"{API}/overview", Priority.SEARCH, "salon", True),
        ("GET", "/b/salon", Priority.SEARCH, "salon", True),
        ("GET", f"{API}/providers", Priority.SEARCH, "salon", True),
        ("GET", f"{API}/providers/some-id/agenda", Priority.OTHER, "salon", True),
        ("GET", f"{API}/invoices", Priority.OTHER, "salon", False),
        ("GET", "/b/salon/invoices", Priority.OTHER, "salon", False),
        ("GET", "/office/salon/day", Priority.OTHER, "salon", True),
        ("POST", "/office/salon/book", Priority.BOOK, "salon", True),
        ("GET", "/office", Priority.OTHER, "", False),
        ("GET", "/api/v1/me", Priority.OTHER, "", False),
        ("GET", "//%2f/..", Priority.OTHER, "", False),
        ("", "", Priority.OTHER, "", False),
    ],
)
def test_requests_of_the_monolith(method: str, path: str, priority: Priority, tenant: str, shared: bool) -> None:
    found = classify(method, path, b"")
    assert (found.priority, found.tenant, found.shared) == (priority, tenant, shared)
    assert found.wants_page == (not path.startswith(("/api/", "/healthz")))


@pytest.mark.parametrize(
    ("method", "path", "priority"),
    [
        ("GET", "/manage/move", Priority.SEARCH),
        ("POST", "/manage/cancel", Priority.CONFIRM),
        ("GET", "/manage", Priority.SEARCH),
    ],
)
def test_pages_of_a_signed_link_belong_to_its_business(method: str, path: str, priority: Priority) -> None:
    business_id = new_id()
    token = CustomerLinks("secret").appointment_token(business_id, new_id(), new_id())
    for address in (f"{path}?zone=UTC&token={token}", f"{path}?token=%{ord(token[0]):x}{token[1:]}" + "&a" * 99):
        found = classify(method, path, f"{method} {address} HTTP/1.1\r\nHost: x\r".encode())
        assert found == RequestClass(priority, str(business_id), shared=True, wants_page=True)


@pytest.mark.parametrize(
    "query", ["", "?token=", "?token=short", "?token=%00", "?tok%65n=abc", "?a?token=abc", "?" + "&" * 99 + "a=b"]
)
def test_links_whose_business_cannot_be_seen_count_as_one_tenant(query: str) -> None:
    found = classify("POST", "/manage/cancel", f"POST /manage/cancel{query} HTTP/1.1\r".encode())
    assert (found.tenant, found.shared) == (UNKNOWN_TENANT, True)


def test_calendar_feeds_count_as_one_tenant() -> None:
    """A business may have a hundred, so each as a tenant of its own would be a hundred tenants."""
    found = classify("GET", "/calendar.ics", b"GET /calendar.ics?token=cal_a HTTP/1.1\r")
    assert found == RequestClass(Priority.SEARCH, UNKNOWN_TENANT, shared=True, wants_page=True)


@pytest.mark.parametrize("path", ["/x/login", "/api/v1/x/logout", "/b/salon/x/sign-in", "/account/sign-in"])
def test_only_the_paths_of_sign_ins_have_their_priority(path: str) -> None:
    assert classify("POST", path, b"").priority > Priority.SIGN_IN


@pytest.mark.parametrize("path", ["/api/v1/me/password", "/api/v1/password-resets/use", "/account/delete", "/"])
def test_what_computes_a_hash_counts_as_a_sign_in(path: str) -> None:
    assert classify("POST", path, b"").priority == Priority.SIGN_IN


def header(claims: object, *lines: bytes) -> bytes:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return b"\r\n".join([b"GET / HTTP/1.1", b"Authorization: Bearer e30." + payload + b".c2ln", *lines]) + b"\r"


def test_calls_of_the_service_by_business_and_operation() -> None:
    assert classify_call("GET", "/v1/slots", header({"biz": "b-1"})) == RequestClass(Priority.SEARCH, "b-1")
    assert classify_call("POST", "/v1/appointments", header({"biz": "b-1"})) == RequestClass(Priority.BOOK, "b-1")
    cancel = "/v1/appointments/some-id/cancel"
    assert classify_call("POST", cancel, header({"biz": "b-1"})) == RequestClass(Priority.CONFIRM, "b-1")
    assert classify_call("GET", "/readyz", b"") == RequestClass(Priority.HEALTH)


def test_shadow_reads_come_last() -> None:
    marked = header({"biz": "b-1"}, b"Priority: u=7")
    assert classify_call("GET", "/v1/offerings", marked) == RequestClass(Priority.SHADOW, "b-1")


@pytest.mark.parametrize("claims", [{}, [], {"biz": 1}, "x" * 100])
def test_call_with_another_token_has_no_business(claims: object) -> None:
    assert classify_call("GET", "/v1/offerings", header(claims)) == RequestClass(Priority.OTHER, "")
    assert classify_call("GET", "/v1/offerings", b"GET / HTTP/1.1\r\nAuthorization: Bearer a.!.b\r").tenant == ""


def test_every_search_of_the_port_has_the_priority_of_a_search() -> None:
    for operation in OPERATIONS:
        if operation.method == "GET" and operation.reply.__name__ in ("Slots", "Overview", "VisitSlots"):
            path = operation.path.replace("/v1", API)
            assert classify("GET", path, b"").priority == Priority.SEARCH, operation.name
            assert classify_call("GET", operation.path, b"").priority == Priority.SEARCH, operation.name
