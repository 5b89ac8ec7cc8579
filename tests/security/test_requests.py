"""Forged cross-site requests and malformed request bodies."""

import json

import pytest

from contracts.chassis.http_constants import MAX_REQUEST_BYTES
from tests.site import Client, Site, sign_up_body

LOGIN = {"email": "owner@salon.example", "password": "correct horse battery"}


@pytest.mark.row("H11")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    ],
)
def test_cross_site_write_is_refused(site: Site, owner: Client, headers: dict[str, str]) -> None:
    answer = owner.post("/logout", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert owner.get("/me", headers=headers).status_code == 200
    assert site.client().post("/login", LOGIN, headers=headers).status_code == 403


@pytest.mark.parametrize("site_of_fetch", ["same-origin", "none"])
def test_same_origin_write_is_accepted(site: Site, owner: Client, site_of_fetch: str) -> None:
    headers = {"Sec-Fetch-Site": site_of_fetch, "Origin": site.url}
    assert owner.post("/logout", headers=headers).status_code == 204
    assert site.client().post("/login", LOGIN, headers={"Origin": site.url}).status_code == 200


@pytest.mark.row("H11")
def test_cross_site_form_changes_nothing(site: Site, owner: Client) -> None:
    form = {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"}
    body = "current_password=correct+horse+battery&new_password=attackers+own"
    answer = owner.request("POST", "/me/password", data=body, headers=form)
    assert answer.status_code == 403
    assert site.client().post("/login", LOGIN).status_code == 200


@pytest.mark.row("H12")
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "text/json", ""])
def test_json_with_another_content_type_is_refused(site: Site, owner: Client, content_type: str) -> None:
    answer = owner.request("POST", "/login", data=json.dumps(LOGIN), headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_json_with_a_charset_is_accepted(owner: Client) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert owner.request("POST", "/login", data=json.dumps(LOGIN), headers=headers).status_code == 200


@pytest.mark.row("H13")
@pytest.mark.parametrize("path", ["/login", "/logout", "/signup", "/me/password", "/invitations/accept"])
def test_get_on_a_write_endpoint_changes_nothing(owner: Client, path: str) -> None:
    answer = owner.get(path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]
    assert owner.get("/me").status_code == 200


@pytest.mark.row("H26", "H27", "H28", "H3")
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 5_000 + b"]" * 5_000,
        b'{"email":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"email": NaN, "password": "x"}',
        b'{"email": "a@b.example", "email": "c@d.example", "password": "x"}',
        b'{"email": true, "password": "x"}',
        b'{"email": 1e400, "password": "x"}',
        b'{"email": "a@b.example", "password": "x", "is_operator": true}',
        b'{"email": "a@b.example", "password": "x", "business_id": "01890a5d-ac96-774b-bcce-b302099a8057"}',
        b'{"email": "a@b.example\\u0000", "password": "x"}',
        b'"text"',
        b"",
        b"\xff\xfe",
        b'{"email": "a@b.example"',
    ],
)
def test_body_that_violates_the_model_is_refused(site: Site, body: bytes) -> None:
    answer = site.client().request("POST", "/login", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.row("H3")
def test_error_names_an_unknown_field(site: Site, owner: Client) -> None:
    answer = site.client().post("/login", LOGIN | {"business_id": "x"})
    assert answer.json()["field"] == "business_id"
    for path in ("/me?business_id=x", "/businesses/salon?business_id=x&business_id=y"):
        answer = owner.get(path)
        assert (answer.status_code, answer.json()["field"]) == (400, "business_id")


@pytest.mark.row("H8")
@pytest.mark.parametrize("key", ["", "x" * 10_000, "two words", "ключ".encode().decode("latin-1")])
def test_malformed_idempotency_key_is_refused(site: Site, key: str) -> None:
    body = sign_up_body("salon", "o@example.org")
    answer = site.client().post("/signup", body, headers={"Idempotency-Key": key.encode("latin-1")})
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


@pytest.mark.row("H25")
def test_oversized_body_is_refused(site: Site) -> None:
    answer = site.client().post("/login", {"email": "x" * MAX_REQUEST_BYTES, "password": "x"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.row("H31")
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost", "127.0.0.1:1", ""])
def test_unknown_host_is_refused(site: Site, owner: Client, host: str) -> None:
    for path in ("/me", "/no-such-thing"):
        answer = owner.get(path, headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host")


@pytest.mark.row("H4")
def test_identity_headers_are_ignored(site: Site, owner: Client) -> None:
    user_id = owner.get("/me").json()["user"]["user_id"]
    headers = {"X-User-Id": user_id, "X-Business": "salon", "X-Forwarded-User": "owner@salon.example"}
    assert site.client().get("/me", headers=headers).status_code == 401


@pytest.mark.row("H34")
def test_every_response_has_a_strict_security_policy(site: Site) -> None:
    for path in ("/api/v1/openapi.json", "/api/v1/me", "/healthz", "/nothing"):
        headers = site.client().session.get(site.url + path, timeout=5).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert site.client().get("/me").headers.get("Cache-Control", "no-store") == "no-store"
