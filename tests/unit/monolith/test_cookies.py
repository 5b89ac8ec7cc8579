"""Names and attributes of cookies."""

import pytest

from monolith.modules.auth.api import UserRef
from monolith.modules.auth.cookie import Cookies
from monolith.modules.auth.devices import Devices
from monolith.modules.auth.sessions import NewSession
from monolith.shared.database import new_id
from monolith.shared.endpoints.cookies import CookieNames, CookieReader

SESSION = NewSession(UserRef(new_id(), "Ada", "ada@example.org"), "the-secret", "the-device")


def test_cookies_over_https_are_bound_to_the_host() -> None:
    headers = Cookies(CookieNames.of("https://book.example")).signed_in(SESSION)
    names = [value.partition("=")[0] for _, value in headers]
    assert names == ["__Host-session", "__Host-device"]
    for _, value in headers:
        attributes = {part.strip() for part in value.split(";")[1:]}
        # What browsers require of the prefix: Secure, Path=/ and no Domain.
        assert {"Secure", "Path=/", "HttpOnly", "SameSite=Lax"} < attributes
        assert not [each for each in attributes if each.startswith("Domain")]


def test_cookies_without_https_have_no_prefix() -> None:
    [(_, session), (_, device)] = Cookies(CookieNames.of("http://127.0.0.1:8000")).signed_in(SESSION)
    assert session.startswith("session=the-secret; ")
    assert device.startswith("device=the-device; ")
    assert "Secure" not in session + device


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("__Host-session=a", "a"),
        ("x=1; __Host-session=a; session=b", "a"),
        ("session=b", ""),
        ("x__Host-session=a", ""),
        ("", ""),
    ],
)
def test_cookie_without_the_prefix_is_not_read_over_https(header: str, value: str) -> None:
    assert CookieReader(CookieNames(secure=True).session)(header) == value


def test_device_cookie_of_another_secret_is_not_recognized() -> None:
    cookie = Devices(["one secret"]).issue(SESSION.user.user_id, "a hash")
    known = Devices(["one secret", "a newer secret"]).recognize(cookie)
    assert known is not None
    assert known.user_id == SESSION.user.user_id
    assert Devices(["another secret"]).recognize(cookie) is None
    assert [Devices(["one secret"]).recognize(text) for text in ("", "x", cookie + "x", "..", "\x00")] == [None] * 5
