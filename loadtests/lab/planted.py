"""A known slowdown: SQL that takes a given share more processor time for each write of scheduling.

A laboratory that is worth believing finds an effect of known size. With the share p more processor time in the role
that limits an arm, the utilization law says that it sustains 1 / (1 + p) of its former rate.
"""

from collections.abc import Sequence

from loadtests.lab.results.model import Trial
from loadtests.lab.sizing import POSTGRES, NotMeasured, measured_demand

_SQL = """\
-- {share:.0%} of {demand_ms:.2f} ms, what the database used for an arrival, at {writes_share:.2f} writes an arrival.
DO $calibration$
DECLARE
    began timestamptz;
    best double precision := 'Infinity';
BEGIN
    -- The least of many short runs with pauses between them: what the server does while its quota lasts.
    FOR run IN 1..40 LOOP
        PERFORM pg_sleep(0.05);
        began := clock_timestamp();
        PERFORM count(*) FROM generate_series(1, 20000);
        best := least(best, extract(epoch FROM clock_timestamp() - began) * 1000);
    END LOOP;
    EXECUTE format(
        'CREATE FUNCTION scheduling.planted_work() RETURNS trigger LANGUAGE plpgsql AS $planted$ '
        'BEGIN PERFORM count(*) FROM generate_series(1, %s); RETURN NULL; END $planted$',
        round(20000 * {write_ms:.4f} / best)
    );
END
$calibration$;
-- Each write inserts its events in one statement.
CREATE TRIGGER planted_work AFTER INSERT ON scheduling.outbox
    FOR EACH STATEMENT EXECUTE FUNCTION scheduling.planted_work();
"""


def planted_sql(trials: Sequence[Trial], arm: str, share: float) -> str:
    """Return SQL for `--remedy` that adds the share of what the arm's database used in these trials.

    Raises NotMeasured without the arm's capacity trials, or if none of them wrote.
    """
    demand = measured_demand(trials, arm)
    demand_ms = sum(used for role, used in demand.cpu_ms.items() if role.startswith(POSTGRES))
    mine = [each for each in trials if each.arm == arm and each.purpose == "capacity" and each.valid]
    writes_share = sum(each.writes for each in mine) / sum(each.modules["scheduling"].arrivals for each in mine)
    if not (demand_ms and writes_share):
        raise NotMeasured(f"the capacity trials of {arm} have no writes, or no processor time of a database")
    return _SQL.format(
        share=share, demand_ms=demand_ms, writes_share=writes_share, write_ms=share * demand_ms / writes_share
    )
