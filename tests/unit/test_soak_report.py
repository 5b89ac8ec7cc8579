"""The page of a soak shows every fault and every promise."""

from tests.soak.report import SoakReport
from tests.soak.schedule import FAULTS


def test_page_names_broken_promises_and_every_fault() -> None:
    report = SoakReport(7, 600, {"full disk": 3})
    report.judge("nothing is lost", [])
    report.judge("nothing is duplicated", ["a | b"])
    page = report.page()
    assert not report.held
    assert "a promise was broken. `make soak SEED=7 SECONDS=600` repeats the faults." in page
    assert "| nothing is lost | held |" in page
    assert "| nothing is duplicated | broken<br>a \\| b |" in page
    assert "| full disk | 3 |" in page
    assert "| partition service | not allowed on this machine |" in page
    assert all(f"| {name} |" in page for name in FAULTS)
    assert any("not injected" in line and "partition service" in line for line in report.lines())


def test_report_without_a_verdict_has_not_held() -> None:
    report = SoakReport(7, 600)
    assert not report.held
    report.judge("nothing is lost", [])
    assert report.held
