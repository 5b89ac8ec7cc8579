"""Call counts of businesses with a rollback policy, summed over all processes by second of the database's clock."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert

from monolith.cutover.rollback.thresholds import CallCounts
from monolith.cutover.store.tables import call_count, rollback_policy
from monolith.shared.database import ModuleDatabase


class CountedPolicy(NamedTuple):
    """An active rollback policy, as the counting processes need it."""

    policy_id: UUID
    slow_seconds: float


def read_counted_policies(database: ModuleDatabase) -> dict[UUID, CountedPolicy]:
    """Return the active policies by business."""
    active = select(rollback_policy.c.business_id, rollback_policy.c.policy_id, rollback_policy.c.p95_ms).where(
        rollback_policy.c.ended_at.is_(None)
    )
    with database.transaction() as connection:
        rows = connection.execute(active).all()
    return {business_id: CountedPolicy(policy_id, p95_ms / 1000) for business_id, policy_id, p95_ms in rows}


def add_counts(database: ModuleDatabase, counts: Mapping[UUID, CallCounts]) -> None:
    """Add the counts to the current second, one transaction per policy. Ended policies are ignored."""
    # The same order in every process prevents deadlocks.
    for policy_id in sorted(counts):
        _add(database, policy_id, counts[policy_id])


def _add(database: ModuleDatabase, policy_id: UUID, counts: CallCounts) -> None:
    second = func.date_trunc("second", func.clock_timestamp())
    row = select(rollback_policy.c.policy_id, second, *(literal(number) for number in counts)).where(
        rollback_policy.c.policy_id == policy_id, rollback_policy.c.ended_at.is_(None)
    )
    insertion = upsert(call_count).from_select([column.name for column in call_count.c], row)
    sums = {name: call_count.c[name] + insertion.excluded[name] for name in CallCounts._fields}
    statement = insertion.on_conflict_do_update(index_elements=[*call_count.primary_key.columns], set_=sums)
    with database.transaction() as connection:
        connection.execute(statement)
