"""The report of simulated laboratories, as a load-tester reads it who has never seen the repository."""

import math
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from loadtests.generator.estimates import Estimate
from loadtests.lab.measuring.subject import FreshnessReading, RoleReading
from loadtests.lab.planning.demands import limiting_role
from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.report.page import render
from loadtests.lab.report.plain import summarize_lines, write_gates
from loadtests.lab.results.model import MODULES, BlastCell, MachineSpeed, ModuleResult, Results, Trial
from loadtests.lab.verdict.capacity_map import capacity_map
from loadtests.lab.verdict.comparison import NotComparable, compare_results
from loadtests.lab.verdict.findings import format_ratio
from loadtests.lab.verdict.verdict import judge_results
from tests.unit.loadtests.lab.laboratories import conditions, run_laboratory, scenario_text
from tests.unit.loadtests.lab.simulated_rig import SimulatedRig


class TextParser(HTMLParser):
    """Collects the visible text, and checks that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "line", "rect", "circle", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "rect", "circle", "polyline"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


def text_of(page: str) -> str:
    parser = TextParser()
    parser.feed(page)
    assert parser.open == []
    return " ".join(" ".join(parser.text).split())


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    scenario = scenario_text("founder", forecast=42.0)
    found = conditions(arms=("M1", "MC", "MB", "M2", "MD", "X"), scenario=scenario)
    return run_laboratory(tmp_path_factory.mktemp("lab") / "report", SimulatedRig(), found)


@pytest.fixture(scope="module")
def page(results: Results) -> str:
    return text_of(render(results, judge_results(results)))


@pytest.mark.parametrize(
    "passage",
    [
        r"How far each arm reaches",
        r"up to [\d.]+/s: nothing needs to change",
        r"MC a cache MB a bulkhead .* MD a database of its own X the service",
        r"Not measured: M1', MW, MR, MV, MBV, XI, XS \(not selected\)\.",
        r"The forecast is a peak of 42 scheduling arrivals a second\.",
        r"The monolith \(M1\) keeps all promises up to [\d.]+/s \[[\d.]+ to [\d.]+\], n = 4\.",
        r"Beyond that, at [\d.]+/s: \w+: \d+ of \d+ missed \([\d.]+%; 1% allowed\)",
        r"There postgres-main used \d+% of its budget and limits the arm\.",
        r"MB scheduling's routes in a web process of their own .* no breaks promises below the demanded 42/s",
        r"sustains the demanded rate, but does not isolate: while scheduling was flooded",
        r"processor time per booking, ms",
        r"Expected before the measurement: EXTRACT",
        r"18 units of 5 % of a core for every arm, 2 of them for each database server, the largest that can be had",
        r"journey came served errors dropped refused p50 ms p95 ms p99 ms",
        r"· search \d+",
    ],
)
def test_report_tells_the_problem_the_remedies_and_the_costs(page: str, passage: str) -> None:
    assert re.search(passage, page), passage


def test_report_loads_nothing_and_prints_what_was_registered(results: Results) -> None:
    html = render(results, judge_results(results))
    assert not re.search(r"(src|href)=", html)
    assert "isolation = true" in html
    assert "# A module with fewer arrivals is not judged" in html
    assert results.conditions.commit in html


def test_first_figure_has_every_arm_and_the_forecast(results: Results) -> None:
    html = render(results, judge_results(results))
    figure = html[html.index("<svg") : html.index("</svg>")]
    for label in (">M1<", ">MB<", ">MD<", ">X<", ">forecast: 42<", ">map<", ">isolated<"):
        assert label in figure


def test_report_of_an_unfinished_laboratory_has_no_figures_yet(results: Results) -> None:
    empty = msgspec.structs.replace(results, trials=())
    page = text_of(render(empty, judge_results(empty)))
    assert "No search for a capacity is complete yet." in page
    assert page.startswith("INCONCLUSIVE")


def test_report_says_that_rates_were_scaled_and_judges_the_scaled_forecast(results: Results) -> None:
    speed = MachineSpeed(ratio=0.5, base=None)
    slow = msgspec.structs.replace(results, conditions=msgspec.structs.replace(results.conditions, speed=speed))
    page = text_of(render(slow, judge_results(slow)))
    assert "did the reference work at 0.50 times the speed" in page
    assert "The forecast is a peak of 21 scheduling arrivals a second" in page
    assert "must sustain 21/s" in page


def test_faults_are_a_matrix(results: Results) -> None:
    cell = BlastCell(arm="X", fault="kill scheduling's web", module="billing", not_served=0.0, arrivals=90)
    faulty = msgspec.structs.replace(cell, arm="M1", not_served=0.25)
    page = text_of(render(msgspec.structs.replace(results, blast=(faulty, cell)), judge_results(results)))
    assert "kill scheduling's web 25% 0%" in page


def test_lines_for_a_terminal_have_capacities_and_the_map(results: Results) -> None:
    lines = list(summarize_lines(results))
    assert re.match(r"M1: [\d.]+/s \[", lines[0])
    assert any(re.match(r"X: .*; ratio to M1 1\.\d+ \[", line) for line in lines)
    assert any(line.endswith("nothing needs to change") for line in lines)


def test_gates_are_junit_test_cases(results: Results, tmp_path: Path) -> None:
    verdict = judge_results(results)
    write_gates(tmp_path / "gates.xml", results, verdict)
    cases = ElementTree.parse(tmp_path / "gates.xml").getroot().findall(".//testcase")
    assert [case.get("name") for case in cases][:-1] == [gate.name for gate in verdict.gates]
    assert cases[-1].get("name") == "the question is decided"
    assert (cases[-1].find("failure") is None) == (verdict.outcome in ("EXTRACT", "DON'T EXTRACT"))


def broken_trial(**roles: RoleReading) -> Trial:
    late = ModuleResult(arrivals=100, errors=0, dropped=0, conflicts=0, p50_ms=None, p95_ms=None, p99_ms=None)
    return Trial(
        stage="alone-1",
        place=0,
        block=0,
        arm="M1",
        purpose="capacity",
        rate=30.0,
        seconds=20.0,
        seed=1,
        modules=dict.fromkeys(MODULES, late),
        roles=roles,
    )


def test_worker_limits_an_arm_only_where_follow_up_work_was_late() -> None:
    busy, fuller = (RoleReading(cpu_ms=900.0, budget_cores=0.1, used=used) for used in (0.95, 1.0))
    trial = broken_trial(database=busy, worker=fuller)
    assert limiting_role(trial) == ("database", 0.95)
    late = msgspec.structs.replace(trial, freshness={"mails": FreshnessReading(expected=100, in_time=90)})
    assert limiting_role(late) == ("worker", 1.0)


def test_report_names_no_limiting_role_where_every_role_had_budget_left(results: Results) -> None:
    """`the worker used 19 % of its budget: this role limits the monolith` was not convincing."""
    idle = RoleReading(cpu_ms=100.0, budget_cores=0.1, used=0.4)
    figures = ReportFigures(msgspec.structs.replace(results, trials=(broken_trial(database=idle),)))
    assert figures.limit("M1") == (
        "no role had used up its budget (database, the fullest, 40%), so threads, locks or waits limit the arm"
    )


def test_ratio_of_one_search_has_no_interval() -> None:
    assert format_ratio(Estimate(1.25, 0.0, math.inf, 1)) == "1.25, n = 1, so without an interval"


def estimate(value: float, spread: float = 0.05) -> Estimate:
    return Estimate(value, value * (1 - spread), value * (1 + spread), 4)


def test_map_takes_the_least_work_at_every_rate() -> None:
    found = capacity_map({"M1": estimate(90), "MC": estimate(118), "MB": estimate(92), "X": estimate(200)})
    assert [segment.as_text() for segment in found] == [
        "up to 90/s: nothing needs to change",
        "up to 118/s: a cache (MC)",
        "up to 200/s: the service (X)",
    ]


def test_map_leaves_out_what_cannot_be_had() -> None:
    found = capacity_map({"M1": estimate(90), "MV": estimate(170), "X": estimate(150)}, ["MV"])
    assert [segment.arm for segment in found] == ["M1", "X"]


def test_comparison_finds_a_lower_capacity(results: Results, tmp_path: Path) -> None:
    described = msgspec.structs.replace(results.conditions, commit="fedcba987654", arms=("M1",), blocks=4)
    slower = run_laboratory(tmp_path / "lab", SimulatedRig().changed(slow=1.5), described)
    changes = {change.arm: change for change in compare_results(results, slower)}
    assert changes["M1"].lower
    same = {change.arm: change.lower for change in compare_results(results, results)}
    assert same == dict.fromkeys(results.conditions.arms, False)


def test_folders_under_other_promises_are_not_comparable(results: Results) -> None:
    other = results.conditions.scenario.replace("scheduling = 500", "scheduling = 800")
    changed = msgspec.structs.replace(results.conditions, scenario=other)
    with pytest.raises(NotComparable, match="the scenario differs in its load, promises or budgets"):
        list(compare_results(results, msgspec.structs.replace(results, conditions=changed)))
