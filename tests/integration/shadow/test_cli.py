"""The command `extraction shadow`."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from monolith.cutover.databases import REPLICATOR, SchedulingDatabases
from monolith.cutover.replication.direction import directions
from monolith.cutover.replication.state import is_subscribed
from monolith.cutover.shadow.counts import ComparisonCounts
from monolith.cutover.shadow.examples import DifferenceExample, DifferingField
from monolith.cutover.store.shadow_results import ShadowResultStore
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import SCHEDULING_SHADOW, FlagStore
from tests.command_line import CommandLine, cutover_settings
from tests.cutover.replication_pair import replicating
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.site import auth_site

EXAMPLE = DifferenceExample(
    "a-business", "get_agenda", "monolith", "{}", (DifferingField("zone", '"UTC"', "(absent)"),), "{…", "{}"
)


@pytest.fixture
def extraction(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(cutover_settings(databases), monkeypatch, capsys)


@pytest.fixture
def copied(databases: Databases) -> Iterator[SchedulingDatabases]:
    with replicating(databases) as pair:
        yield pair


@pytest.fixture
def platform(databases: Databases) -> ModuleDatabase:
    return ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret)


@pytest.fixture
def cutover_database(databases: Databases) -> ModuleDatabase:
    return ModuleDatabase(databases.monolith_url, role="cutover_app", secret=databases.role_secret)


@pytest.fixture
def salon(databases: Databases) -> str:
    with auth_site(databases) as site:
        assert site.client().sign_up("salon").status_code == 201
    return "salon"


@pytest.mark.usefixtures("copied")
def test_percentage_is_set_for_all_and_for_one_and_is_audited(
    platform: ModuleDatabase, salon: str, extraction: CommandLine
) -> None:
    assert extraction("shadow", "set", "10", "--reason", "before the move")[:2] == (
        *(0, "scheduling.shadow of every business: 0 -> 10 %\n"),
    )
    assert extraction("shadow", "set", "2.5", "--business", salon)[1] == (
        "scheduling.shadow of salon: as every business -> 2.5 %\n"
    )
    assert extraction("shadow", "set", "0")[1] == (
        "scheduling.shadow of every business: 10 -> 0 %\nsalon keeps its own 2.5 %\n"
    )
    last, own, first = FlagStore(platform).changes()
    assert (first.action, first.subject, first.before, first.after, first.reason) == (
        *("flag.set", "scheduling.shadow", None, "10", "before the move"),
    )
    assert first.actor.startswith("cli:")
    assert own.subject.startswith("scheduling.shadow business:")
    assert (last.before, last.after) == ("10", "0")


def test_replication_stops_although_the_monolith_is_unreachable_and_shadow_reads_when_it_is_back(
    copied: SchedulingDatabases, databases: Databases, platform: ModuleDatabase, extraction: CommandLine
) -> None:
    extraction("shadow", "set", "10", "--reason", "to see")
    monolith = urlsplit(databases.monolith_url)
    assert monolith.hostname
    assert monolith.port
    with TcpProxy(monolith.hostname, monolith.port) as proxy, proxy.unreachable():
        behind = monolith._replace(netloc=f"127.0.0.1:{proxy.port}")
        incomplete = extraction("replicate", "stop", MONOLITH_DATABASE_URL=behind.geturl())
    assert incomplete.returncode == 2
    assert "scheduling to monolith: the subscription is still in the monolith database" in incomplete.stderr
    assert "shadow reads may still be on" in incomplete.stderr
    forward, backward = directions(copied.extraction)
    with copied.scheduling.connect(REPLICATOR) as db:
        assert not is_subscribed(db, forward), "the side that is reachable has stopped"
    with copied.monolith.connect(REPLICATOR) as db:
        assert is_subscribed(db, backward)
    assert FlagStore(platform).read()[SCHEDULING_SHADOW, None] == "10"
    again = extraction("replicate", "stop", MONOLITH_DATABASE_URL=databases.monolith_url)
    assert (again.returncode, again.stderr) == (0, "")
    assert FlagStore(platform).read()[SCHEDULING_SHADOW, None] == "0"
    [last, *_] = FlagStore(platform).changes()
    assert last.reason == "replication was stopped"


@pytest.mark.usefixtures("copied")
def test_adapter_flag_shows_its_own_changes_only(extraction: CommandLine) -> None:
    extraction("flag", "set", "http", "--reason", "to see")
    extraction("shadow", "set", "10", "--reason", "another matter")
    shown = extraction("flag", "show")[1]
    assert "to see" in shown
    assert "another matter" not in shown


@pytest.mark.usefixtures("copied")
def test_report_shows_the_results(cutover_database: ModuleDatabase, salon: str, extraction: CommandLine) -> None:
    off = "no read was compared in the last 5 minutes: `extraction shadow set 10` turns shadow reads on"
    assert off in extraction("shadow", "report", "--since", "5")[1]
    extraction("shadow", "set", "10")
    extraction("shadow", "set", "50", "--business", salon)
    assert "results are stored every few seconds" in extraction("shadow", "report")[1]
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    ShadowResultStore(cutover_database).add(
        {
            ("get_agenda", minute): ComparisonCounts(
                1200, 1, 2, 3, owner_ms=1200.0, candidate_ms=3000.0, example=EXAMPLE
            ),
            ("search_slots", minute): ComparisonCounts(failed=9),
        }
    )

    code, shown, _ = extraction("shadow", "report")
    lines = shown.splitlines()
    assert code == 0
    assert lines[0] == "scheduling.shadow = 10 %, salon 50 %"
    assert lines[2].split() == ["get_agenda", "1,200", "1", "2", "3", "1.0", "2.5", "2.50"]
    assert lines[3].split() == ["search_slots", "0", "0", "9", "0"]
    assert "get_agenda of business a-business, owned by monolith" in shown
    assert '    owner     "UTC"\n    candidate (absent)\n' in shown

    told = json.loads(extraction("shadow", "report", "--json")[1])
    assert told["percent"] == {"default": 10.0, "businesses": {"salon": 50.0}}
    agenda, search = told["operations"]
    assert (agenda["compared"], agenda["ratio"], agenda["example"]["places"][0]["at"]) == (1200, 2.5, "zone")
    assert (search["failed"], search["owner_ms"], search["example"]) == (9, None, None)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["set", "101"], "101"),
        (["set", "ten"], "ten"),
        (["set", "10", "--business", "nobody"], "no business 'nobody'"),
        (["set", "10", "--reason", "x" * 201], "200 characters"),
        (["report", "--since", "0"], "--since"),
    ],
)
def test_error_is_one_line(extraction: CommandLine, arguments: list[str], words: str) -> None:
    code, _, complaint = extraction("shadow", *arguments)
    assert code == 2
    assert words in complaint
    assert complaint.count("\n") == 1
