"""The laboratory's arms on real servers: their databases, budgets and costs, and who is not served during a fault."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from deploy.databases.schemas import MONOLITH_SCHEMAS
from loadtests.harness.cpu_budgets import reason_unavailable
from loadtests.lab.laboratory import build_rig, running_lab_servers, start_speed_probe
from loadtests.lab.measuring.blast_radius import LOAD_SECONDS, measure_blast_radius
from loadtests.lab.measuring.faults import FAULTS
from loadtests.lab.measuring.measurement import COPY
from loadtests.lab.measuring.rig import ProductRig, RunningProductArms
from loadtests.lab.measuring.subject import Load, Reading
from loadtests.lab.options import LabOptions
from loadtests.lab.planning.scenario import ScenarioBudgets, find_scenario_file, parse_scenario
from loadtests.lab.servers.booking_history import PAST_DAYS
from loadtests.lab.servers.reference_work import measure_reference_work
from loadtests.lab.servers.steady_budgets import BudgetSpeed

pytestmark = [
    pytest.mark.long,
    pytest.mark.alone,
    pytest.mark.skipif(reason_unavailable() is not None, reason=str(reason_unavailable())),
]
SCENARIO = find_scenario_file("two-hundred-users").read_text(encoding="utf-8").replace("login = 1,", "login = 0.1,")
"""A login hashes a password for up to 0.1 s, and X's front web has 0.08 of a core: one a second would overload it."""
RATE, SECONDS = 3.0, 8.0
"""X's front web uses about 5 ms for each of these arrivals and of the seven others a second: half of its budget."""
MODULES = {schema.name for schema in MONOLITH_SCHEMAS}


@contextmanager
def rig_of(monkeypatch: pytest.MonkeyPatch, folder: Path, *arms: str) -> Iterator[ProductRig]:
    """Start the servers, as the only laboratory of a temporary folder of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    options = LabOptions(out=folder / "results", scenario=SCENARIO, arms=arms, blocks=1, seed=1)
    with running_lab_servers(print, arms, options.out) as servers:
        speed = BudgetSpeed(start_speed_probe(servers))
        yield build_rig(servers, speed, parse_scenario(SCENARIO), options, print)


def play(running: RunningProductArms, folder: Path, *arms: str) -> dict[str, Reading]:
    folders = {arm: folder / arm for arm in arms}
    for each in folders.values():
        each.mkdir()
    load = Load(scenario=parse_scenario(SCENARIO), rate=RATE, seconds=SECONDS, seed=3)
    return running.play(dict.fromkeys(arms, load), folders)


def appointments(running: RunningProductArms, deployment: str) -> int:
    """Return the number of appointments in one database of the first arm."""
    arm = running.arms[0]
    server = arm.topology.placement[deployment]  # type: ignore[index]
    with arm.servers.administrator(server, f"{COPY}_{deployment}") as db:
        row = db.execute("SELECT count(*) FROM scheduling.appointment").fetchone()
    assert row is not None
    return int(str(row[0]))


def connections(running: RunningProductArms) -> int:
    """Return the number of the product's connections to the databases of the first arm."""
    arm = running.arms[0]
    found = 0
    for server in arm.topology.servers:
        with arm.servers.administrator(server) as db:
            row = db.execute("SELECT count(*) FROM pg_stat_activity WHERE usename LIKE '%\\_app'").fetchone()
        assert row is not None
        found += int(str(row[0]))
    return found


def _people(reading: Reading) -> list[tuple[int, str]]:
    """Return who came and for what, but for what depends on earlier replies: changes of bookings, later steps."""
    return [
        (row.arrival, row.journey)
        for row in reading.rows
        if row.step == 0 and row.journey not in ("reschedule", "cancel")
    ]


def test_two_arms_side_by_side_receive_the_same_people_and_are_measured_by_role(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with rig_of(monkeypatch, tmp_path, "M1", "X") as rig:
        assert rig.reason_not_paired("M1", "X") is None
        with rig.running("M1", "X") as running:
            readings = play(running, tmp_path, "M1", "X")
    came = {arm: sorted(_people(reading)) for arm, reading in readings.items()}
    assert came["M1"] == came["X"]
    for arm, reading in readings.items():
        assert reading.violations == (), arm
        assert {row.outcome for row in reading.rows} <= {"ok", "conflict"}, arm
        assert reading.speed is not None
        assert all(role.cpu_ms > 0 for role in reading.roles.values()), reading.roles
        assert sum(role.budget_cores or 0 for role in reading.roles.values()) == pytest.approx(
            sum(rig.cores_of(arm).values())
        )
        # The product's modules only: not the laboratory's own statements.
        assert reading.statements.keys() <= MODULES
        assert reading.statements["scheduling"].calls > 0
        for fresh in reading.freshness.values():
            assert fresh.expected == fresh.in_time > 0
    assert set(readings["X"].roles) - set(readings["M1"].roles) == {"scheduling-web", "postgres-scheduling", "relay"}


def test_engine_in_the_monolith_uses_a_database_of_its_own_and_a_fault_counts_who_was_not_served(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with rig_of(monkeypatch, tmp_path, "M1", "MD", "XI") as rig:
        with rig.running("MD") as running:
            assert connections(running) > 8, "the warm-up has opened the connections of the threads"
            history = appointments(running, "scheduling")
            assert history > PAST_DAYS * 100
            (reading,) = play(running, tmp_path, "MD").values()
            booked = sum(row.journey == "book" and row.outcome == "ok" for row in reading.rows)
            assert reading.violations == ()
            assert appointments(running, "scheduling") == history + booked
            assert appointments(running, "monolith") == 0
            assert reading.freshness["mails"].expected == reading.freshness["mails"].in_time > 0
        control, killed, *_ = FAULTS
        cells = measure_blast_radius(rig, "XI", RATE, [control, killed])
    shares = {(cell.fault, cell.module): cell.not_served for cell in cells}
    assert all(cell.arrivals > 0 for cell in cells)
    harm = {module: shares[killed, module] - shares[control, module] for module in ("scheduling", "billing")}
    assert harm["scheduling"] > 0.1
    assert harm["billing"] < harm["scheduling"], shares


def test_arm_serves_again_after_a_fault_during_a_trial(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    load = Load(
        scenario=parse_scenario(SCENARIO),
        rate=RATE,
        seconds=LOAD_SECONDS,
        seed=3,
        judge_freshness=False,
        fault="scheduling's web process is killed",
    )
    with rig_of(monkeypatch, tmp_path, "M1") as rig, rig.running("M1") as running:
        for name in ("failing", "serving"):
            (tmp_path / name).mkdir()
        failing = running.play({"M1": load}, {"M1": tmp_path / "failing"})["M1"]
        quiet = msgspec.structs.replace(load, fault=None, seconds=SECONDS)
        serving = running.play({"M1": quiet}, {"M1": tmp_path / "serving"})["M1"]
    assert failing.violations == serving.violations == ()
    outcomes = [{row.outcome for row in reading.rows} for reading in (failing, serving)]
    assert "error" in outcomes[0]
    assert outcomes[1] <= {"ok", "conflict"}


def test_reference_work_depends_on_the_budget_of_the_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    budgets = {units: ScenarioBudgets(total=18, database=units, worker=2) for units in (2, 6)}
    with running_lab_servers(print, ["M1"], tmp_path / "results") as servers:
        probe = start_speed_probe(servers)
        work = {
            units: measure_reference_work(
                servers, msgspec.structs.replace(parse_scenario(SCENARIO), budgets=each), probe, most_difference=0.06
            )
            for units, each in budgets.items()
        }
    assert 0 < work[2].requests * 1.5 < work[6].requests, "the database has three times the budget in the second"
    for each in work.values():
        assert each.speed.base is not None
        assert 0 < each.counting <= each.measured
