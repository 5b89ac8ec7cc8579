"""The console as a process of its own: who may see and change what, on real databases."""

import re

import pytest
import requests

from tests.architecture.test_quoted_commands import exists
from tests.console_process import NOBODY, OPERATOR, PASSWORD, VIEWER, ConsoleSite
from tests.faults.proxy import TcpProxy
from tests.polling import eventually

CHANGE = "/ops/changes/set-default?adapter=http"
PAGES = (
    *("/ops/", "/ops/businesses", "/ops/flag", "/ops/replication", "/ops/shadow", "/ops/events", "/ops/requests"),
    *("/ops/audit", "/ops/changes/start-replication", "/ops/changes/move-many?target=scheduling"),
    *("/ops/lab", "/ops/time", "/learn/", "/learn/steps/flip", "/learn/break-it", "/learn/should-you", CHANGE),
)


@pytest.fixture(autouse=True)
def default_adapter(console: ConsoleSite) -> None:
    """Every test begins with the default of a new product."""
    console.sql("DELETE FROM platform.flag")


def adapter(console: ConsoleSite) -> str:
    """Return the stored default; empty if it was never set."""
    rows = console.sql("SELECT value FROM platform.flag WHERE key = 'scheduling.adapter' AND business_id IS NULL")
    return rows[0][0] if rows else ""


@pytest.mark.row("H45")
def test_a_stranger_sees_nothing(console: ConsoleSite) -> None:
    stranger = console.browser()
    for page in PAGES:
        assert stranger.open(page).path == "/ops/sign-in", page
    statuses = [
        requests.get(console.url + path, timeout=10).status_code
        for path in ("/ops/live/overview", "/api/v1/state", "/metrics", "/api/v1/audit")
    ]
    assert statuses == [401, 401, 404, 401]


@pytest.mark.row("H23")
def test_an_account_without_a_role_is_refused_and_audited(console: ConsoleSite) -> None:
    refused = console.browser(NOBODY)
    assert (refused.page.status, refused.page.path) == (403, "/ops/sign-in")
    assert "no role" in refused.page.text
    assert refused.open("/ops/").path == "/ops/sign-in"
    assert console.audited("console.denied")[-1][3] == f"{NOBODY} has no role"
    form = {"email": NOBODY, "password": PASSWORD}
    sessions = "SELECT count(*) FROM auth.session JOIN auth.account USING (user_id) WHERE email = %s"
    for _ in range(20):
        assert requests.post(f"{console.url}/api/v1/sign-in", json=form, timeout=30).status_code == 403
    entries = [each for each in console.audited("console.denied") if each[3] == f"{NOBODY} has no role"]
    assert len(entries) <= 10, "an account without a role cannot flood the audit log"
    assert console.sql(sessions, NOBODY) == [(0,)], "a refused sign-in leaves no session"


def test_a_sign_in_with_a_zero_character_or_a_long_password_is_an_error_of_the_caller(console: ConsoleSite) -> None:
    for email, password in (("a\0@example.com", PASSWORD), (OPERATOR, "x" * 201)):
        form = {"email": email, "password": password}
        assert requests.post(f"{console.url}/api/v1/sign-in", json=form, timeout=10).status_code == 400
        assert requests.post(f"{console.url}/ops/sign-in", data=form, timeout=10).status_code in (400, 401)


def test_every_page_is_shown_to_viewers_and_offers_them_no_change(console: ConsoleSite) -> None:
    viewer = console.browser(VIEWER)
    for page in PAGES:
        assert viewer.open(page).status == 200, page
        assert viewer.page.headers["Cache-Control"] == "no-store", page
        assert viewer.page.path == page.partition("?")[0]
    assert "Your role is viewer" in viewer.open(CHANGE).text
    assert [form.action for form in viewer.page.forms] == ["/ops/sign-out"]


def test_every_page_of_the_console_shows_the_command_that_does_the_same(console: ConsoleSite) -> None:
    viewer = console.browser(VIEWER)
    shown = {
        page: re.findall(r"Same as (extraction [a-z-]+)", viewer.open(page).text) for page in PAGES if "/ops" in page
    }
    assert [page for page, commands in shown.items() if not commands] == []
    assert [each for commands in shown.values() for each in commands if not exists(each)] == []


def test_a_bar_names_the_deployment(console: ConsoleSite) -> None:
    assert "production Changes affect live businesses." in console.browser(VIEWER).open("/ops/").text


def test_the_topology_shows_the_requests_per_second_of_each_web_process(console: ConsoleSite) -> None:
    assert console.browser(VIEWER).open("/ops/").text.count("0.0/s") == 4, "two edges, and the description of both"


@pytest.mark.row("H23")
def test_a_viewer_flips_nothing(console: ConsoleSite) -> None:
    viewer = console.browser(VIEWER)
    form = {"adapter": "http", "expected": "default in_process", "reason": "I should not"}
    reply = viewer.session.post(f"{console.url}/ops/changes/set-default", data=form, timeout=10)
    by_api = console.api(VIEWER).post(
        "/changes/set-default", {"change": {"adapter": "http"}, "reason": "x", "expected": "default in_process"}
    )
    assert (reply.status_code, by_api.status_code) == (403, 403)
    assert adapter(console) == ""
    denied = [(actor, subject) for actor, subject, *_ in console.audited("console.denied")][-2:]
    who = f"operator:{VIEWER}"
    assert denied == [(who, "POST /ops/changes/set-default"), (who, "POST /api/v1/changes/set-default")]


@pytest.mark.row("H24")
def test_a_change_needs_a_recent_password(console: ConsoleSite) -> None:
    operator = console.browser(OPERATOR)
    form = operator.open(CHANGE).form("Set the default")
    console.age_sessions()
    assert operator.send(form, reason="an old session").status == 403
    assert adapter(console) == ""
    assert console.audited("console.denied")[-1][0] == f"operator:{OPERATOR}"
    operator.open(CHANGE)
    operator.follow("Sign in again")
    operator.submit("Sign in", email=OPERATOR, password=PASSWORD)
    assert operator.page.path == "/ops/changes/set-default"
    operator.submit("Set the default", reason="a recent one")
    assert "in_process -> http" in operator.page.text
    assert adapter(console) == "http"
    assert console.audited("flag.set")[-1] == (f"operator:{OPERATOR}", "scheduling.adapter", "http", "a recent one")
    assert console.audited("console.requested")[-1][2] == {"kind": "set-default", "adapter": "http"}


@pytest.mark.row("H24")
def test_a_stale_form_changes_nothing_and_names_who_changed_what(console: ConsoleSite) -> None:
    slow, quick = console.browser(OPERATOR), console.browser(OPERATOR)
    form = slow.open(CHANGE).form("Set the default")
    quick.open(CHANGE)
    quick.submit("Set the default", reason="first")
    assert adapter(console) == "http"
    slow.send(form, reason="second")
    assert slow.page.status == 409
    for shown in ("Nothing was changed", "now default http", OPERATOR, "flag.set", "first"):
        assert shown in slow.page.text
    assert [reason for *_, reason in console.audited("flag.set")][-1] == "first"


def test_a_change_needs_a_reason_and_a_post_from_the_same_site(console: ConsoleSite) -> None:
    operator = console.browser(OPERATOR)
    operator.open(CHANGE)
    assert operator.submit("Set the default", reason=" \t ").status == 400
    assert "Give a reason" in operator.page.text
    form = {"adapter": "http", "expected": "default in_process", "reason": "forged"}
    address = f"{console.url}/ops/changes/set-default"
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert operator.session.post(address, data=form, headers=foreign, timeout=10).status_code == 403
    assert operator.session.get(address, params=form, timeout=10).status_code == 400
    basic = {"Authorization": "Basic bm90OmJlYXJlcg=="}
    assert operator.session.post(address, data=form, headers=basic, timeout=10).status_code == 401
    assert adapter(console) == ""


def test_the_api_previews_changes_and_audits_like_the_pages(console: ConsoleSite) -> None:
    operator = console.api(OPERATOR)
    preview = operator.post("/previews/set-default", {"adapter": "http"}).json()
    assert (preview["expected"], preview["refused"]) == ("default in_process", None)
    body = {"change": {"adapter": "http"}, "reason": "by script", "expected": preview["expected"]}
    made = operator.post("/changes/set-default", body)
    assert made.status_code == 202
    address = f"/requests/{made.json()['request_id']}"
    eventually(lambda: operator.get(address).json()["state"] == "done", "the change")
    assert operator.get(address).json()["result"].startswith("scheduling.adapter: in_process -> http")
    assert adapter(console) == "http"
    again = operator.post("/changes/set-default", body)
    assert (again.status_code, again.json()["code"]) == (409, "stale")
    eventually(lambda: operator.get("/state").json()["default"] == "http", "the next snapshot")
    assert operator.get("/audit").json()["entries"][0]["reason"] == "by script"
    document = operator.get("/openapi.json").json()
    assert {"/changes/set-default", "/previews/move-business", "/state"} <= set(document["paths"])


def test_a_refused_change_says_why_and_is_audited(console: ConsoleSite) -> None:
    operator = console.browser(OPERATOR)
    operator.open("/ops/changes/set-shadow?percent=5")
    operator.submit("Set the share", reason="too early")
    assert "nothing is replicated" in operator.page.text
    assert "extraction replicate start" in operator.page.text
    assert "nothing is replicated" in console.audited("console.failed")[-1][3]


def test_the_console_stays_up_while_the_database_of_the_monolith_is_away(
    console: ConsoleSite, monolith_proxy: TcpProxy
) -> None:
    operator = console.browser(OPERATOR)
    form = operator.open(CHANGE).form("Set the default")
    with monolith_proxy.unreachable():
        monolith_proxy.drop_connections()
        eventually(lambda: "cannot be read" in operator.open("/ops/").text, "the notice")
        assert operator.page.status == 200
        assert operator.send(form, reason="not now").status in (403, 503)
    assert adapter(console) == ""
    eventually(lambda: operator.open("/ops/flag").status == 200, "recovery")
