"""A transaction that Postgres chose as the victim of a conflict is repeated as a whole, a bounded number of times."""

import pytest

from contracts.scheduling.errors import Unavailable
from tests.contract.port.shop import Shop, refused
from tests.integration.engine.workbench import Workbench

FAIL_FIRST = """
    CREATE SEQUENCE public.attempt;
    CREATE FUNCTION public.fail_first() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF nextval('public.attempt') <= {failures} THEN
            RAISE EXCEPTION 'injected by the test' USING ERRCODE = '{sqlstate}';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER fail_first BEFORE INSERT ON scheduling.appointment
        FOR EACH ROW EXECUTE FUNCTION public.fail_first();
"""
"""A sequence does not roll back, so it counts the attempts."""

TABLES = ("appointment", "claim", "outbox")


@pytest.fixture(params=["40001", "40P01"], ids=["serialization failure", "deadlock"])
def sqlstate(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _attempts(bench: Workbench) -> int:
    return int(bench.sql("SELECT last_value FROM public.attempt")[0][0])


@pytest.mark.row("F20")
def test_a_victim_of_a_conflict_is_repeated_with_one_effect(
    own_bench: Workbench, own_shop: Shop, sqlstate: str
) -> None:
    own_bench.sql(FAIL_FIRST.format(failures=2, sqlstate=sqlstate))
    assert own_shop.book().version == 1
    assert _attempts(own_bench) == 3
    assert [own_bench.count(table, own_shop.business_id) for table in TABLES] == [1, 1, 1]


@pytest.mark.row("F20")
def test_repetitions_end_with_a_request_to_try_again(own_bench: Workbench, own_shop: Shop, sqlstate: str) -> None:
    own_bench.sql(FAIL_FIRST.format(failures=1000, sqlstate=sqlstate))
    with refused(Unavailable):
        own_shop.port.book(own_shop.customer.writes("one"), own_shop.booking())
    assert _attempts(own_bench) == 3
    assert [own_bench.count(table, own_shop.business_id) for table in TABLES] == [0, 0, 0]
    own_bench.sql("DROP TRIGGER fail_first ON scheduling.appointment")
    assert own_shop.port.book(own_shop.customer.writes("one"), own_shop.booking()).version == 1
