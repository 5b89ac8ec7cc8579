"""What an operator needs while something is wrong: abort with half of the system down, dead letters, the audit log."""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest

from monolith.cutover.databases import CONTROLLER, SchedulingDatabase
from monolith.cutover.store import cutovers, servers
from tests.console_process import OPERATOR, VIEWER, ConsoleSite
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.polling import eventually

EVENT = b'{"type": "appointment_booked", "version": 1}'


class Business(NamedTuple):
    business_id: UUID
    slug: str


@pytest.fixture
def business(console: ConsoleSite) -> Iterator[Business]:
    """A business that the monolith's database owns."""
    business, slug = uuid4(), "stuck-salon"
    console.sql(
        "INSERT INTO auth.business (business_id, slug, name, zone, currency, state)"
        " VALUES (%s, %s, 'Stuck', 'UTC', 'CHF', 'open')",
        business,
        slug,
    )
    console.sql("INSERT INTO cutover.ownership (business_id, owner, epoch) VALUES (%s, 'monolith', 1)", business)
    console.sql("INSERT INTO scheduling.lease (business_id, active, epoch) VALUES (%s, true, 1)", business)
    yield Business(business, slug)
    console.sql("DELETE FROM cutover.cutover WHERE business_id = %s", business)
    console.sql("DELETE FROM cutover.ownership WHERE business_id = %s", business)
    console.sql("DELETE FROM auth.business WHERE business_id = %s", business)


@pytest.fixture
def stuck(business: Business, own_databases: Databases) -> Business:
    """A business whose cutover was begun by a controller that is gone."""
    monolith = SchedulingDatabase("monolith", own_databases.monolith_url, own_databases.role_secret)
    with monolith.connect(CONTROLLER) as controller:
        servers.require_confirmed(controller, "monolith", servers.record_incarnation(controller))
        cutovers.begin(
            controller,
            business.business_id,
            "monolith",
            "scheduling",
            fence_seconds=2.0,
            actor="operator:gone",
            reason="a test",
        )
    return business


def test_a_cutover_is_aborted_while_the_other_database_is_down(
    console: ConsoleSite, stuck: Business, scheduling_proxy: TcpProxy
) -> None:
    operator = console.browser(OPERATOR)
    page = f"/ops/businesses/{stuck.slug}"
    with scheduling_proxy.unreachable():
        eventually(lambda: "Cutover under way" in operator.open(page).text, "the strip")
        assert "it uses at most 25% of the time of each database" in operator.page.text
        operator.follow("Abort")
        assert "stays in monolith" in operator.page.text
        operator.submit("Abort it", reason="the other database is down")
        request = operator.page.path
        eventually(lambda: "done" in operator.open(request).text, "the abort")
        assert console.audited("cutover.aborted")[-1][3].endswith("aborted it: the other database is down")
        eventually(lambda: "It was aborted" in operator.open(page).text, "the outcome")
        assert "Served by monolith" in operator.page.text


def test_sessions_that_still_write_are_listed_before_a_move(console: ConsoleSite, business: Business) -> None:
    operator = console.browser(OPERATOR)
    preview = f"/ops/changes/move-business?slug={business.slug}&target=scheduling"
    with psycopg.connect(console.admin_url) as writing:
        lock = "SELECT pg_advisory_xact_lock_shared(scheduling.fence_key(%s))"
        writing.execute(lock, (business.business_id,))
        assert f"backend {writing.info.backend_pid}" in operator.open(preview).text
    assert "sessions that write now none" in operator.open(preview).text


def test_a_dead_letter_is_previewed_and_replayed(console: ConsoleSite) -> None:
    console.sql(
        "INSERT INTO billing.dead_letter (entry_id, stated_id, payload, reason)"
        " VALUES ('1-0', 'x', %s, 'ValueError: no')",
        EVENT,
    )
    operator = console.browser(OPERATOR)
    operator.open("/ops/events")
    assert "ValueError: no" in operator.page.text
    operator.follow("1-0")
    assert '"type": "appointment_booked"' in operator.page.text
    operator.follow("Replay")
    operator.submit("Replay", reason="the cause is fixed")
    request = operator.page.path
    eventually(lambda: "1 event of billing in the stream again" in operator.open(request).text, "the replay")
    assert "There are no dead letters" in operator.open("/ops/events").text


def test_the_audit_log_is_exported(console: ConsoleSite) -> None:
    operator = console.browser(OPERATOR)
    operator.open("/ops/changes/set-default?adapter=http")
    operator.submit("Set the default", reason="=for the export")
    eventually(lambda: console.audited("flag.set"), "the change")
    export = console.browser(VIEWER).session.get(f"{console.url}/ops/audit.csv", timeout=10)
    assert export.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(export.text)))
    (row,) = [each for each in rows if each["action"] == "flag.set" and each["actor"] == f"operator:{OPERATOR}"][:1]
    assert (row["after"], row["reason"]) == ("http", "'=for the export"), "no spreadsheet takes a cell for a formula"
