"""Scenarios of the laboratory, measured from the console."""

import pytest

from tests.console_process import OPERATOR, VIEWER, ConsoleSite
from tests.polling import eventually

FORM = "/ops/changes/measure-scenario?scenario=two-hundred-users&quick=true"


def test_a_preview_says_what_a_measurement_needs(console: ConsoleSite) -> None:
    operator = console.browser(OPERATOR)
    operator.open("/ops/lab")
    operator.submit("Preview…", scenario="two-hundred-users", quick="true")
    for shown in ("Two hundred users a day", "needs the whole machine", "under seven minutes", "no verdict"):
        assert shown in operator.page.text
    assert "unknown scenario" in operator.open("/ops/changes/measure-scenario?scenario=none-such").text
    assert operator.page.status == 409


def test_a_viewer_measures_nothing(console: ConsoleSite) -> None:
    assert "Your role is viewer" in console.browser(VIEWER).open(FORM).text
    body = {"change": {"scenario": "two-hundred-users"}, "reason": "x", "expected": "any"}
    assert console.api(VIEWER).post("/changes/measure-scenario", body).status_code == 403


@pytest.mark.long
def test_a_measurement_is_followed_and_withdrawn(console: ConsoleSite) -> None:
    operator = console.browser(OPERATOR)
    operator.open(FORM)
    operator.submit("Measure it", reason="to follow it")
    address = operator.page.url
    eventually(lambda: 'aria-label="Progress"' in operator.open(address).source, "the first line", 120.0)
    assert "two-hundred-users" in operator.open("/ops/lab").text
    operator.open(address)
    operator.submit("Withdraw")
    eventually(lambda: "completed steps are kept" in operator.open(address).text, "the end", 120.0)
