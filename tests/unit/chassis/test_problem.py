"""Problems are encoded as RFC 9457 problem details, with the headers that belong to them."""

import json

from contracts.chassis.problem import problem


def test_body_has_the_standard_members_and_own_members_without_nulls() -> None:
    failed = problem(409, "slot_unavailable", "Choose another time.", reason="taken", field=None)
    assert json.loads(failed.body()) == {
        "title": "slot unavailable",
        "status": 409,
        "detail": "Choose another time.",
        "code": "slot_unavailable",
        "reason": "taken",
    }
    assert failed.headers == {}


def test_retry_after_is_a_member_and_a_rounded_header() -> None:
    failed = problem(503, "unavailable", "Try again later.", retry_after=1.2)
    assert json.loads(failed.body())["retry_after"] == 1.2
    assert failed.headers == {"Retry-After": "2"}
    assert problem(503, "unavailable", "Try again later.", retry_after=0).headers == {"Retry-After": "1"}


def test_status_401_names_the_authentication_scheme() -> None:
    assert problem(401, "unauthenticated", "Sign in.").headers == {"WWW-Authenticate": "Bearer"}


def test_given_headers_are_kept() -> None:
    assert problem(405, "method_not_allowed", "Use GET.", headers={"Allow": "GET"}).headers == {"Allow": "GET"}
