"""The report of recorded results: its sections, sentences and notices of missing measurements."""

import re
from html.parser import HTMLParser

import pytest

from loadtests.lab.report.page import render
from loadtests.lab.results.model import (
    MODULES,
    SCHEMA_VERSION,
    Costs,
    MeasurementConditions,
    ModuleResult,
    Remedy,
    Results,
    Run,
    Step,
)
from loadtests.lab.verdict.comparison import NotComparable, compare_results
from loadtests.lab.verdict.thresholds import FILE
from loadtests.lab.verdict.verdict import judge_results
from tests.unit.loadtests.lab.example_runs import THRESHOLDS, idle, module, run, runs

SLOW, FAST = 900.0, 100.0
SECTIONS = ("findings", "gates", "neighbours", "forest", "figures", "arms", "load", "percentiles", "costs", "timeline",
            "drift", "validity", "limits", "thresholds")  # fmt: skip


def results(measured: list[Run], **changes: object) -> Results:
    given: dict[str, object] = {
        "scenario": "daily_peak", "arms": ("M1", "M1'", "M2", "MB", "MC", "X"), "blocks": 4, "seconds": 60.0,
        "idle_seconds": 20.0, "seed": 1, "capacity": 180.0, "forecast": 200.0, "assumed": False, "threads": 8,
        "quick": False, "pinned": "the server on core 1", "versions": {"python": "3.13"}, "began": "2030-01-01",
        "thresholds": FILE.read_text(),
    }  # fmt: skip
    return Results(
        schema=SCHEMA_VERSION,
        thresholds_version=THRESHOLDS.version,
        machine="a machine <of> two cores",
        runs=tuple(measured),
        conditions=MeasurementConditions(**{**given, **changes}),  # type: ignore[arg-type]
        steps=(Step(arm="M1", rate=100.0, good=1.0, goodput=99.0, p99_ms=50.0),),
    )


def recorded() -> Results:
    measured = runs({"M1": SLOW, "M2": SLOW, "MB": SLOW, "MC": SLOW, "X": FAST})
    return results(measured + idle({"M1": 10.0, "M1'": 10.0, "M2": 10.0, "MB": 10.0, "MC": 10.0, "X": 14.0}))


def page(found: Results) -> str:
    return render(found, judge_results(found), {})


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.linked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in ("src", "href") and value:
                self.linked.append(value)


def test_report_has_every_section_and_loads_no_other_resource() -> None:
    outline, html = _Outline(), page(recorded())
    outline.feed(html)
    assert outline.ids == list(SECTIONS)
    assert outline.linked == []
    assert "url(" not in html
    assert "@import" not in html


def test_report_contains_verdict_gates_and_ratios_to_m1() -> None:
    html = page(recorded())
    assert "<h1>EXTRACT</h1>" in html
    assert "insufficient remedy: MB" in html
    assert re.search(r"scheduling: p99 \d+ ms, within its SLO of 500 ms; ratio to M1 0\.1\d \[.*: lower\.", html)
    assert "a machine &lt;of&gt; two cores" in html


@pytest.mark.parametrize("remedy, name", [("MB", "a bulkhead"), ("MC", "an availability cache"), ("M1-an-index",) * 2])
@pytest.mark.parametrize("tail, conclusion", [(SLOW, "No: X also meets the SLO of scheduling"), (FAST, "Yes: ")])
def test_report_concludes_whether_a_remedy_is_sufficient(remedy: str, name: str, tail: float, conclusion: str) -> None:
    html = page(results(runs({"M1": SLOW, remedy: tail, "X": FAST}), arms=("M1", remedy, "X")))
    assert f"<h3>Would {name} be sufficient?</h3>" in html
    assert conclusion in html
    assert "M1 meets the SLO of auth, billing and notifications; not of scheduling." in html


@pytest.mark.parametrize(
    "auth, conclusion",
    [
        (FAST, "Yes, as far as possible: a bulkhead meets the SLO of auth, and X meets none."),
        (SLOW, "No, and neither would extraction: a bulkhead and X meet no SLO at this peak."),
    ],
)
def test_remedy_is_not_praised_when_extraction_meets_no_slo_either(auth: float, conclusion: str) -> None:
    nothing = dict.fromkeys(MODULES, module(SLOW))
    bulkhead = {**nothing, "auth": module(auth)}
    found = [
        run(arm, block, SLOW, modules=modules)
        for block in range(4)
        for arm, modules in {"M1": nothing, "MB": bulkhead, "X": nothing}.items()
    ]
    assert conclusion in page(results(found, arms=("M1", "MB", "X")))


def test_errors_are_not_averaged_with_latencies() -> None:
    refused = [run("X", block, FAST, modules={"auth": module(50, errors=100)}) for block in range(4)]
    html = page(results(runs({"M1": SLOW}) + refused))
    assert "auth: more than 1 % errors, beyond its SLO of 500 ms" in html


def test_report_has_a_table_of_the_peak() -> None:
    costs = Costs(web_cpu_ms={"scheduling": 4_000.0}, db_ms={"scheduling": 1_000.0}, pool_wait_ms={"auth": 10.0})
    scheduling = ModuleResult(
        arrivals=2_010, errors=2, dropped=10, conflicts=50, p50_ms=20, p95_ms=80, p99_ms=None, good=1_800
    )
    found = [run("M1", block, 100.0, modules={"scheduling": scheduling}, costs=costs) for block in range(3)]
    html = page(results(found, arms=("M1",)))
    cells = ("20", "80", "-", "89.6%", "30", "0.1%", "2.5%", "0.5%", "16.7", "2", "0.5", "0")
    assert f"<tr><th>M1</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" in html


def test_report_of_an_interrupted_laboratory_states_how_many_runs_it_has() -> None:
    found = results(runs({"M1": SLOW, "X": FAST}))
    assert "Interrupted: 12 of 48 runs were measured, 12 of them at the peak" in page(found)


def test_quick_report_is_marked_and_has_no_verdict() -> None:
    found = results(runs({"M1": SLOW, "X": FAST}), quick=True, arms=("M1", "X"))
    html = page(found)
    assert "Quick run: " in html
    assert "<code>extraction lab run</code>" in html
    verdict = judge_results(found)
    assert (verdict.outcome, verdict.advice) == ("INCONCLUSIVE", "")


def test_report_prints_custom_remedies() -> None:
    tried = Remedy(sql="CREATE INDEX tried ON scheduling.claim (starts_at) WHERE 1 < 2")
    found = results(
        runs({"M1": SLOW, "M1-an-index": SLOW}), arms=("M1", "M1-an-index"), remedies={"M1-an-index": tried}
    )
    assert "CREATE INDEX tried ON scheduling.claim (starts_at) WHERE 1 &lt; 2" in page(found)
    again = results(runs({"M1": SLOW}), arms=("M1",), remedies={"M1-an-index": Remedy(settings={"A": "1"})})
    with pytest.raises(NotComparable, match="the remedy of M1-an-index differs"):
        list(compare_results(found, again))


def test_report_without_runs_is_rendered() -> None:
    assert "Interrupted: 0 of 48" in page(results([]))


def test_folders_with_equal_conditions_are_compared_arm_by_arm() -> None:
    lines = list(compare_results(recorded(), recorded()))
    assert "M1, scheduling p99 at the peak: 1.00" in lines[0]
    assert len({line.partition(",")[0] for line in lines}) == 6


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"scenario": "stampede"}, "the scenario differs (daily_peak and stampede)"),
        ({"seconds": 30.0}, "the length of the peak differs"),
        ({"forecast": 300.0}, "the forecast peaks differ by more than 10 %"),
        ({"threads": 4}, "the number of threads differs (8 and 4)"),
        ({"arms": ("XS",)}, "no arm in common"),
        ({"pinned": "not pinned"}, "the pinning differs"),
    ],
)
def test_folders_with_different_conditions_are_rejected(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(NotComparable) as refused:
        list(compare_results(recorded(), results([], **changes)))
    assert reason in str(refused.value)
