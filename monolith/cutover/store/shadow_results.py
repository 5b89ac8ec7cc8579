"""The results of shadow reads, summed over all processes by operation and minute."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert

from monolith.cutover.shadow.counts import ComparisonCounts, CountsKey
from monolith.cutover.store.tables import shadow_read
from monolith.shared.database import ModuleDatabase

_SUMMED = ("compared", "different", "failed", "dropped", "owner_ms", "candidate_ms")


class ShadowSummary(msgspec.Struct, frozen=True):
    """The results of one operation. The mean times are those of compared reads; None without any.

    `ratio` is the candidate's mean time divided by the owner's. The candidate is timed in a background thread.
    """

    operation: str
    compared: int
    different: int
    failed: int
    dropped: int
    owner_ms: float | None
    candidate_ms: float | None
    ratio: float | None
    example: dict[str, Any] | None
    """The latest difference, as `shadow.examples.Example`."""


class ShadowResultStore:
    """Stores and summarizes results. Raises the errors of `ModuleDatabase`."""

    def __init__(self, database: ModuleDatabase) -> None:
        self._database = database

    def add(self, counts: Mapping[CountsKey, ComparisonCounts]) -> None:
        """Add the counts in one transaction, in the same order in every process, which prevents deadlocks."""
        rows = [_row(key, counts[key]) for key in sorted(counts)]
        if not rows:
            return
        # Without an example the column is NULL, not the JSON value null.
        statement = upsert(shadow_read).values(example=bindparam("difference", type_=JSONB(none_as_null=True)))
        sums = {name: shadow_read.c[name] + statement.excluded[name] for name in _SUMMED}
        example = func.coalesce(shadow_read.c.example, statement.excluded.example)
        adding = statement.on_conflict_do_update(
            index_elements=[shadow_read.c.operation, shadow_read.c.began_at], set_={**sums, "example": example}
        )
        with self._database.transaction() as connection:
            connection.execute(adding, rows)

    def since(self, minutes: int) -> list[ShadowSummary]:
        """Return the summaries of the last minutes, sorted by operation."""
        begins = func.date_trunc("minute", func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, minutes))
        recent = shadow_read.c.began_at >= begins
        sums = [func.sum(shadow_read.c[name]) for name in _SUMMED]
        summed = select(shadow_read.c.operation, *sums).where(recent)
        with self._database.transaction() as connection:
            found = connection.execute(summed.group_by(shadow_read.c.operation).order_by(shadow_read.c.operation)).all()
            examples = _latest_examples(connection, recent)
        return [_summary(row, examples.get(row[0])) for row in found]


def _latest_examples(connection: Connection, recent: Any) -> dict[str, dict[str, Any]]:
    latest = (
        select(shadow_read.c.operation, shadow_read.c.example)
        .where(recent, shadow_read.c.example.is_not(None))
        .ext(distinct_on(shadow_read.c.operation))
        .order_by(shadow_read.c.operation, shadow_read.c.began_at.desc())
    )
    return {row.operation: row.example for row in connection.execute(latest)}


def _row(key: CountsKey, counts: ComparisonCounts) -> dict[str, Any]:
    operation, minute = key
    example = None if counts.example is None else msgspec.to_builtins(counts.example)
    numbers = {name: getattr(counts, name) for name in _SUMMED}
    return {"operation": operation, "began_at": minute, **numbers, "difference": example}


def _summary(row: Any, example: dict[str, Any] | None) -> ShadowSummary:
    operation, *numbers = row
    compared, different, failed, dropped = (int(number) for number in numbers[:4])
    owner, candidate = numbers[4:]
    return ShadowSummary(
        operation,
        compared,
        different,
        failed,
        dropped,
        owner_ms=round(owner / compared, 3) if compared else None,
        candidate_ms=round(candidate / compared, 3) if compared else None,
        ratio=round(candidate / owner, 2) if compared and owner else None,
        example=example,
    )
