"""The flag: a change reaches every process within a second and is audited."""

import psycopg
import pytest

from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.flags.provider import DatabaseFlags
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore
from tests.databases import Databases
from tests.integration.routing.conftest import Process, eventually


def set_flag(process: Process, value: str, reason: str = "") -> str | None:
    return process.store.set(SCHEDULING_ADAPTER, value, business_id=None, actor="cli:ann", reason=reason)


def test_unset_flag_means_in_process(processes: list[Process]) -> None:
    assert processes[0].flag.adapter_for(new_id()) == "in_process"


def test_every_process_sees_a_change_within_a_second(processes: list[Process]) -> None:
    set_flag(processes[0], "http")

    took = eventually(lambda: all(p.flag.adapter_for(new_id()) == "http" for p in processes))

    assert took < 1.0


def test_flags_are_read_before_the_first_notice(databases: Databases) -> None:
    """Regression: a worker that had just started ignored the flag when it created a business."""
    store = FlagStore(ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret))
    store.set(SCHEDULING_ADAPTER, "http", business_id=None, actor="cli:ann", reason="")

    assert DatabaseFlags(store).resolve_string_details(SCHEDULING_ADAPTER, "in_process").value == "http"


def test_override_applies_to_its_business_only(processes: list[Process]) -> None:
    chosen, other = new_id(), new_id()
    processes[0].store.set(SCHEDULING_ADAPTER, "http", business_id=chosen, actor="cli:ann", reason="")

    eventually(lambda: processes[1].flag.adapter_for(chosen) == "http")

    assert processes[1].flag.adapter_for(other) == "in_process"


def test_unknown_value_counts_as_the_default(processes: list[Process]) -> None:
    set_flag(processes[0], "carrier-pigeon")
    set_flag(processes[0], "http")
    eventually(lambda: processes[0].flag.adapter_for(new_id()) == "http")
    set_flag(processes[0], "carrier-pigeon")

    eventually(lambda: processes[0].flag.adapter_for(new_id()) == "in_process")


def test_each_change_is_audited_with_actor_and_reason(processes: list[Process]) -> None:
    set_flag(processes[0], "http", reason="peak hour")
    before = set_flag(processes[0], "in_process", reason="peak over")

    newest, oldest = processes[1].store.changes()
    assert before == "http"
    assert (newest.actor, newest.before, newest.after, newest.reason) == ("cli:ann", "http", "in_process", "peak over")
    assert (oldest.before, oldest.after, oldest.reason) == (None, "http", "peak hour")
    assert newest.recorded_at > oldest.recorded_at


def test_setting_the_current_value_is_not_audited(processes: list[Process]) -> None:
    set_flag(processes[0], "http", reason="first")
    assert set_flag(processes[1], "http", reason="again") == "http"
    assert [entry.reason for entry in processes[0].store.changes()] == ["first"]


@pytest.mark.row("H46")
@pytest.mark.parametrize(
    "statement",
    ["UPDATE platform.audit SET reason = 'x'", "DELETE FROM platform.audit", "TRUNCATE platform.audit"],
)
def test_audit_log_is_append_only_even_for_an_administrator(databases: Databases, statement: str) -> None:
    store = FlagStore(ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret))
    store.set(SCHEDULING_ADAPTER, "http", business_id=None, actor="cli:ann", reason="kept")

    with psycopg.connect(databases.monolith_admin_url) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute(statement.encode())

    assert [entry.reason for entry in store.changes()] == ["kept"]
