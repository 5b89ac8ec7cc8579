"""`extraction flag`: the flag shows accepted requests, and its history can always be shown."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import UUID

import pytest

from contracts.scheduling.values import DatabaseName
from deploy.cli.options import current_actor
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.service import ExtractionFinalized
from monolith.cutover.service.flags import AdapterSetting
from monolith.cutover.store import cutovers as moves
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.audit import append_audit
from monolith.shared.flags.store import SCHEDULING_ADAPTER, SCHEDULING_SHADOW, FlagStore
from tests.command_line import CommandLine, cutover_settings
from tests.cutover.replication_pair import replicating, turn_to_start
from tests.databases import Databases
from tests.site import auth_site


@pytest.fixture
def extraction(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(cutover_settings(databases), monkeypatch, capsys)


@pytest.fixture
def platform(databases: Databases) -> ModuleDatabase:
    return ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret)


def test_show_lists_a_guard_that_ended(platform: ModuleDatabase, extraction: CommandLine) -> None:
    extraction("flag", "set", "http", "--reason", "first")
    with platform.transaction() as connection:
        append_audit(
            connection,
            actor="guard",
            action="guard.returned",
            subject="scheduling.adapter business:0190a0b0-0000-7000-8000-000000000000",
            before={"bound": {"p95_ms": 500.0}},
            after={"owner": "http"},
            reason="30 of 40 calls failed",
        )
    shown = extraction("flag", "show")
    assert shown.returncode == 0
    ended, flagged = [line.split() for line in shown.stdout.splitlines()[2:]]
    assert ended[2:5] == ["guard", "0190a0b0-0000-7000-8000-000000000000", "guard.returned"]
    assert " ".join(ended[5:]) == "30 of 40 calls failed"
    assert flagged[3:] == ["(default)", "in_process", "http", "first"]


def test_show_and_set_print_json(extraction: CommandLine) -> None:
    changed = extraction("flag", "set", "http", "--reason", "first", "--json")
    assert json.loads(changed.stdout) == {"event": "default", "before": "in_process", "after": "http"}
    shown = json.loads(extraction("flag", "show", "--json").stdout)
    assert (shown["default"], shown["businesses"]) == ("http", {})
    assert [(each["actor"], each["after"], each["reason"]) for each in shown["history"]] == [
        (current_actor(), "http", "first")
    ]


def test_the_audit_log_is_shown(extraction: CommandLine) -> None:
    assert extraction("audit").stdout == "the audit log has no such entry\n"
    extraction("flag", "set", "http", "--reason", "first")
    extraction("flag", "set", "in_process", "--reason", "second")
    assert [line.split()[3] for line in extraction("audit").stdout.splitlines()[1:]] == ["flag.set", "flag.set"]
    newest = json.loads(extraction("audit", "--limit", "1", "--json").stdout)
    assert (newest["subject"], newest["reason"]) == ("scheduling.adapter", "second")


def test_show_lists_changes_older_than_many_other_audit_entries(
    platform: ModuleDatabase, extraction: CommandLine
) -> None:
    extraction("flag", "set", "http", "--reason", "first")
    for percent in range(25):
        FlagStore(platform).set(SCHEDULING_SHADOW, str(percent), business_id=None, actor="test", reason="shadow")
    shown = extraction("flag", "show").stdout.splitlines()[2:]
    assert [line.split()[3:] for line in shown] == [["(default)", "in_process", "http", "first"]]


def test_setting_the_default_to_what_it_is_changes_nothing(platform: ModuleDatabase, extraction: CommandLine) -> None:
    assert "scheduling.adapter is in_process already" in extraction("flag", "set", "in_process").stdout
    assert FlagStore(platform).changes() == []


def test_refused_move_leaves_the_flag_as_it_was(
    databases: Databases, platform: ModuleDatabase, extraction: CommandLine
) -> None:
    sign_up(databases, "one", "two")
    extraction("flag", "set", "in_process", "--reason", "before")
    before = FlagStore(platform).read()
    for arguments in (["--business", "one"], ["--all"], ["--all", "--percent", "100"]):
        refused = extraction("flag", "set", "http", *arguments)
        assert refused.returncode == 2
        assert "SCHEDULING_SERVICE_URL is not set" in refused.stderr
    assert FlagStore(platform).read() == before


def test_reset_after_finalize_leaves_the_flag_at_the_service(
    databases: Databases, platform: ModuleDatabase, extraction: CommandLine
) -> None:
    sign_up(databases, "one", owner="scheduling")
    extraction("flag", "set", "http")
    refused = extraction("reset", "--yes")
    assert refused.returncode == 2
    assert "replication is not healthy" in refused.stderr
    assert FlagStore(platform).read() == {(SCHEDULING_ADAPTER, None): "http"}


def test_stopped_batch_keeps_the_flag_of_moved_businesses_only(
    databases: Databases,
    platform: ModuleDatabase,
    extraction: CommandLine,
    replicated: SchedulingDatabases,
    service_url: str,
) -> None:
    one, two = sign_up(databases, "one", "two")
    with replicated.control_db() as connection:
        moves.begin(connection, two, "monolith", "scheduling", fence_seconds=2, actor="somebody else", reason="")
    stopped = extraction("flag", "set", "http", "--all", SCHEDULING_SERVICE_URL=service_url)
    assert stopped.returncode == 2
    assert "one: monolith -> scheduling" in stopped.stdout
    assert "two was not moved: another cutover of it is under way" in stopped.stderr
    assert FlagStore(platform).read() == {(SCHEDULING_ADAPTER, one): "http"}


def test_moving_every_business_sets_the_default_too(
    databases: Databases,
    platform: ModuleDatabase,
    extraction: CommandLine,
    replicated: SchedulingDatabases,
    service_url: str,
) -> None:
    (one,) = sign_up(databases, "one")
    moved = extraction("flag", "set", "http", "--all", SCHEDULING_SERVICE_URL=service_url)
    assert moved.returncode == 0, moved.stderr
    assert FlagStore(platform).read() == {(SCHEDULING_ADAPTER, one): "http", (SCHEDULING_ADAPTER, None): "http"}
    assert extraction("shadow", "set", "20").returncode == 0
    reset = extraction("reset", "--yes", "--reason", "tried", SCHEDULING_SERVICE_URL=service_url)
    assert reset.returncode == 0, reset.stderr
    flags = FlagStore(platform).read()
    assert flags.pop((SCHEDULING_SHADOW, None)) == "0", "there is no copy to compare with any more"
    assert set(flags.values()) == {"in_process"}
    changes = [each for each in FlagStore(platform).changes() if each.after == "in_process"]
    assert {(each.actor, each.reason) for each in changes} == {(current_actor(), "tried")}


def test_finalize_closes_the_way_back(
    databases: Databases, platform: ModuleDatabase, extraction: CommandLine, replicated: object, service_url: str
) -> None:
    sign_up(databases, "one")
    assert extraction("flag", "set", "http", "--all", SCHEDULING_SERVICE_URL=service_url).returncode == 0
    for _ in range(2):
        done = extraction("finalize", "--confirm", "there is no way back")
        assert done.returncode == 0, done.stderr
    moves = (["flag", "set", "in_process"], ["flag", "set", "in_process", "--business", "one"], ["reset", "--yes"])
    for way_back in (*moves, ["replicate", "start"]):
        refused = extraction(*way_back)
        assert refused.returncode == 2
        assert "the extraction was finalized" in refused.stderr
        assert "replicate start --after-finalize" in refused.stderr
    with pytest.raises(ExtractionFinalized):
        AdapterSetting(FlagStore(platform)).require_way_back("in_process")
    actions = [(each.action, each.actor[:4]) for each in FlagStore(platform).changes(key="extraction")]
    assert actions == [("extraction.finalized", "cli:")]
    with turn_to_start():
        assert extraction("replicate", "start", "--after-finalize", "--allow-unbounded-wal").returncode == 0
    assert extraction("flag", "set", "in_process").returncode == 0


def sign_up(databases: Databases, *slugs: str, owner: DatabaseName = "monolith") -> list[UUID]:
    """Their ids; each is opened in the monolith's database and routed to `owner`."""
    with auth_site(databases) as site:
        for slug in slugs:
            assert site.client().sign_up(slug).status_code == 201
        site.sql(
            "INSERT INTO cutover.ownership (business_id, owner, epoch) SELECT business_id, %s, 1 FROM auth.business",
            owner,
        )
        found = dict(site.sql("SELECT slug, business_id FROM auth.business"))
    return [found[slug] for slug in slugs]


@pytest.fixture
def replicated(databases: Databases) -> Iterator[SchedulingDatabases]:
    with replicating(databases) as pair:
        yield pair


@pytest.fixture
def service_url() -> Iterator[str]:
    """A server that reports itself ready, as the scheduling service does."""

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ready) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
