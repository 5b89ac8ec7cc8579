"""Options: resumed laboratories, targets, and the registered scenarios."""

from pathlib import Path

import msgspec
import pytest

from deploy.errors import CommandError
from loadtests.generator.journeys import JOURNEYS
from loadtests.lab.measuring.targets import parse_targets
from loadtests.lab.options import LabOptions, require_same_options
from loadtests.lab.planning.arms import ARMS, BASELINE, REQUIRED_REMEDIES, SERVICE
from loadtests.lab.planning.scenario import UNIT_CORES, at_speed, parse_scenario, read_scenario, scenario_names
from loadtests.lab.results.model import MODULES, SCHEMA_VERSION, Results
from loadtests.lab.servers.machine import describe_machine
from tests.unit.loadtests.lab.laboratories import THRESHOLDS, conditions

COMMIT = conditions().commit


def measured(**changes: object) -> Results:
    return Results(
        schema=SCHEMA_VERSION,
        thresholds_version=THRESHOLDS.version,
        machine=describe_machine(),
        conditions=conditions(**changes),  # type: ignore[arg-type]
    )


def options(**changes: object) -> LabOptions:
    given = {"out": Path("folder"), "scenario": conditions().scenario, "arms": ("M1", "X"), "blocks": 8, "seed": 1}
    return LabOptions(**{**given, **changes})  # type: ignore[arg-type]


def test_same_options_continue_a_laboratory() -> None:
    require_same_options(measured(), options(), COMMIT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 5}, "folder was started with --seed 1, not 5: use the same, or choose another --out"),
        ({"arms": ("M1",)}, "folder was started with --arms M1,X, not M1"),
        ({"forecast": 9.0}, "folder was started with no --forecast: use the same"),
        ({"map_only": True}, "folder was started with --map False, not True"),
        ({"scenario": "name = 'other'"}, "folder was started with another scenario: choose another --out"),
    ],
)
def test_other_options_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        require_same_options(measured(), options(**changes), COMMIT)
    assert str(refused.value).startswith(message)


def test_another_commit_of_the_product_is_refused() -> None:
    with pytest.raises(CommandError, match=r"another commit of the product \(0123456789ab, not fedcba\)"):
        require_same_options(measured(), options(), "fedcba")


def test_another_machine_is_refused() -> None:
    elsewhere = msgspec.structs.replace(measured(), machine="four cores")
    with pytest.raises(CommandError, match="measured on another machine"):
        require_same_options(elsewhere, options(), COMMIT)


def test_targets_have_names_and_addresses() -> None:
    assert parse_targets(["A=http://one:8000/", "B=https://two"]) == {"A": "http://one:8000", "B": "https://two"}


@pytest.mark.parametrize("given", ["A", "=http://one", "A=one:8000", "A b=http://one", "M1=http://one"])
def test_malformed_targets_are_refused(given: str) -> None:
    with pytest.raises(CommandError, match="--target"):
        parse_targets([given])


def test_target_is_given_once() -> None:
    with pytest.raises(CommandError, match="the name of another arm"):
        parse_targets(["A=http://one", "A=http://two"])


@pytest.mark.parametrize("name", scenario_names())
def test_registered_scenario_is_complete(name: str) -> None:
    scenario = read_scenario(name)
    assert scenario.name == name
    assert scenario.expected is not None
    assert scenario.demand is not None
    assert set(scenario.promises.limits_ms) == set(MODULES)
    assert {JOURNEYS[journey].module for journey in scenario.load.mix} == {"scheduling"}
    assert {JOURNEYS[journey].module for journey in scenario.load.background} == set(MODULES) - {"scheduling"}
    assert BASELINE in scenario.arms
    assert set(scenario.arms) <= set(ARMS)
    if scenario.expected.outcome == "EXTRACT":
        assert {*REQUIRED_REMEDIES, SERVICE} <= set(scenario.arms)
    budgets = scenario.budgets
    assert budgets.total - 2 * budgets.database - budgets.worker - budgets.valkey >= 1, "the web processes need some"
    assert budgets.total * UNIT_CORES <= 1


def test_founder_declares_the_ceiling_that_extraction_needs() -> None:
    scenario = read_scenario("founder")
    assert scenario.ceiling.largest_database == scenario.budgets.database
    assert scenario.promises.isolation


def test_unknown_keys_and_scenarios_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="unknown scenario 'none'; available: founder, on-sale"):
        read_scenario("none")
    path = tmp_path / "mine.toml"
    path.write_text(conditions().scenario.replace("headroom", "headrom"))
    with pytest.raises(CommandError, match=r"mine\.toml is not a usable scenario: .*headrom"):
        read_scenario(str(path))


def test_scenario_without_a_forecast_asks_for_a_map() -> None:
    text = "\n".join(line for line in conditions().scenario.splitlines() if not line.startswith("forecast"))
    assert parse_scenario(text).demand is None


def test_rates_are_multiplied_by_the_speed_of_the_machine() -> None:
    registered = parse_scenario(conditions().scenario)
    assert registered.load.forecast is not None
    scaled = at_speed(registered, 0.5).load
    assert scaled.forecast == registered.load.forecast / 2
    assert scaled.background == {journey: rate / 2 for journey, rate in registered.load.background.items()}
    assert msgspec.structs.replace(scaled, forecast=registered.load.forecast, background={}) == msgspec.structs.replace(
        registered.load, background={}
    ), "the shares, the shape and the duration stay the same"
    assert at_speed(registered, None) == registered
