"""The laboratory's known slowdown, in a real database."""

import re

import pytest

from loadtests.lab.measuring.subject import RoleReading
from loadtests.lab.planted import planted_sql
from loadtests.lab.results.model import ModuleResult, Trial
from loadtests.lab.sizing import NotMeasured
from tests.contract.port.shop import Shop, at
from tests.integration.engine.workbench import Workbench


def trial(*, writes: int) -> Trial:
    counts = ModuleResult(
        arrivals=100, errors=0, dropped=0, conflicts=0, p50_ms=None, p95_ms=None, p99_ms=None, good=100
    )
    return Trial(
        stage="s", place=0, block=1, arm="M1", purpose="capacity", rate=10.0, seconds=20.0, seed=1, bookings=10,
        writes=writes, modules={"scheduling": counts},
        roles={"postgres-main": RoleReading(cpu_ms=300.0, budget_cores=0.1)},
    )  # fmt: skip


def test_each_write_takes_its_share_of_what_an_arrival_used(own_bench: Workbench, own_shop: Shop) -> None:
    sql = planted_sql([trial(writes=40)], "M1", 0.2)
    assert "20% of 3.00 ms" in sql
    # 0.2 * 3 ms an arrival, carried by 0.4 writes an arrival.
    assert "1.5000 / best" in sql

    own_bench.sql("CREATE SEQUENCE public.calls")
    own_bench.sql("GRANT USAGE ON SEQUENCE public.calls TO PUBLIC")
    with own_bench.administrator() as administrator:
        administrator.execute(sql.encode())
    [(source,)] = own_bench.sql("SELECT prosrc FROM pg_proc WHERE proname = 'planted_work'")
    assert re.search(r"generate_series\(1, [1-9]\d+\)", source)
    own_bench.sql(
        "CREATE OR REPLACE FUNCTION scheduling.planted_work() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN PERFORM nextval('public.calls'); {source.strip().removeprefix('BEGIN')} $$"
    )
    own_shop.book(at(9))
    own_shop.book(at(10))
    assert own_bench.sql("SELECT last_value FROM public.calls") == [(2,)]


def test_trials_without_writes_are_refused() -> None:
    with pytest.raises(NotMeasured, match="have no writes"):
        planted_sql([trial(writes=0)], "M1", 0.2)
