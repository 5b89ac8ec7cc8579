"""The compiled catalog: read in a constant number of statements, without past rules, and never stale."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from contracts.scheduling.port import OPERATIONS
from scheduling_service.engine.catalog import load_rules
from scheduling_service.engine.connection import Connection
from scheduling_service.engine.engine import SchedulingEngine
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import protocol
from tests.contract.port.adapters import Adapter
from tests.contract.port.samples import samples, standing
from tests.contract.port.shop import MONDAY, OFFICE_HOURS, Shop, at
from tests.integration.engine.workbench import Workbench

DAY = timedelta(days=1)
CHANGES_OF_THE_RULES = {
    *("create_offering", "update_offering", "create_provider", "update_provider", "assign_offerings"),
    *("set_weekly_hours", "set_date_override", "set_holidays", "block_time", "remove_block"),
    *("create_resource", "update_resource", "update_business"),
}


def loaded(bench: Workbench, shop: Shop, trace: Path) -> tuple[BusinessRules, int]:
    """Return the rules and the number of statements that read them, counted in libpq's trace of the protocol."""
    with (
        Connection.open(bench.role_url("scheduling_app")) as connection,
        connection.transaction(),
        trace.open("w") as file,
    ):
        assert protocol.begin_read(connection, shop.business_id, 10_000)
        connection.pgconn.trace(file.fileno())
        rules = load_rules(connection, shop.business_id)
        connection.pgconn.untrace()
    return rules, trace.read_text().count("CommandComplete")


def version(bench: Workbench, shop: Shop) -> int:
    statement = "SELECT rules_version FROM scheduling.business WHERE business_id = %s"
    return int(bench.sql(statement, shop.business_id)[0][0])


def test_the_catalog_is_read_in_a_constant_number_of_statements(bench: Workbench, shop: Shop, tmp_path: Path) -> None:
    trace = tmp_path / "protocol"
    _, of_a_small_one = loaded(bench, shop, trace)
    for number in range(3):
        provider = shop.add_provider(f"Zoe {number}")
        shop.work(OFFICE_HOURS, provider=provider, effective_from=MONDAY.date())
        shop.override(MONDAY.date(), "close", provider=provider)
        shop.block(at(9), at(10), provider_id=provider.provider_id)
        shop.add_offering(f"Colour {number}")
        shop.add_resource(f"Room {number}")
    shop.set_holidays(MONDAY.date())
    rules, of_a_large_one = loaded(bench, shop, trace)
    assert (len(rules.providers), len(rules.offerings), len(rules.resources_of("room"))) == (4, 4, 3)
    assert of_a_large_one == of_a_small_one == 8


def test_past_rules_are_not_loaded(bench: Workbench, shop: Shop, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for days in (-5, -3, 0, 2):
        shop.override(now.date() + days * DAY, "close")
        shop.block(now + (days - 1) * DAY, now + days * DAY + DAY / 2, provider_id=shop.provider.provider_id)
    rules, _ = loaded(bench, shop, tmp_path / "protocol")
    provider = rules.provider(shop.provider.provider_id)
    assert sorted(provider.overrides) == [now.date(), now.date() + 2 * DAY]
    assert [end for _, end in provider.blocked] == [
        -int(-(now + days * DAY + DAY / 2).timestamp() // 1) for days in (0, 2)
    ]


def test_only_catalog_changes_increment_the_rules_version(bench: Workbench, shop: Shop) -> None:
    adapter = Adapter("engine", bench.engine, bench.databases.scheduling_admin_url)
    requests = samples(shop, standing(adapter, shop))
    moved = {}
    for operation in (each for each in OPERATIONS if each.writes):
        before = version(bench, shop)
        getattr(shop.port, operation.name)(shop.system.writes(), requests[operation.name])
        moved[operation.name] = version(bench, shop) - before
    assert {name for name, by in moved.items() if by} == CHANGES_OF_THE_RULES
    assert {moved[name] for name in CHANGES_OF_THE_RULES} == {1}


def test_a_search_sees_another_processs_change(bench: Workbench, shop: Shop) -> None:
    other = shop.through(SchedulingEngine(bench.database))
    assert at(9) in other.starts()
    block = shop.block(at(9), at(17))
    assert other.starts() == []
    shop.unblock(block)
    shop.override(MONDAY.date(), "replace", ("12:00", "13:00"))
    assert other.starts() == [at(12)]
    shop.set_holidays(MONDAY.date())
    shop.override(MONDAY.date(), "regular")
    assert other.starts() == []
