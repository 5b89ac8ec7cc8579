"""A read transaction: it sees one business and ends by the caller's deadline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from contracts.scheduling.context import Actor, CallContext
from contracts.scheduling.errors import BusinessNotFound
from scheduling_service.engine.database import Connection, EngineDatabase, time_left_ms
from scheduling_service.engine.store import protocol

T = TypeVar("T")


@dataclass(frozen=True)
class Read:
    """An open read transaction on one business."""

    db: Connection
    ctx: CallContext

    @property
    def business_id(self) -> UUID:
        return self.ctx.business_id

    @property
    def actor(self) -> Actor:
        return self.ctx.actor


def execute_read(database: EngineDatabase, ctx: CallContext, work: Callable[[Read], T]) -> T:
    """Run `work` in a read transaction and return its result.

    Raises contract errors only; BusinessNotFound before `work` starts. If the pooled connection was dead, `work` runs
    again on a new one.
    """

    def run(db: Connection) -> T:
        budget_ms = time_left_ms(ctx.deadline)
        try:
            db.send_later("BEGIN")
            if not protocol.begin_read(db, ctx.business_id, budget_ms):
                raise BusinessNotFound("There is no such business.")
            result = work(Read(db, ctx))
            db.run("COMMIT")
            return result
        finally:
            db.roll_back()

    return database.read(ctx.deadline, run)


def execute_single_read(database: EngineDatabase, ctx: CallContext, work: Callable[[Read], T]) -> T:
    """Run `work`, which waits for Postgres once, and return its result; as `execute_read`, but in one round trip.

    The statements of one round trip are one transaction without BEGIN and COMMIT. A second round trip would see no
    rows: the restriction to the business ends with the first. `work` also runs for an unknown business, without rows.
    """

    def run(db: Connection) -> T:
        begun = protocol.begin_read_later(db, ctx.business_id, time_left_ms(ctx.deadline))
        try:
            result = work(Read(db, ctx))
        finally:
            db.roll_back()
        if not protocol.found_business(begun):
            raise BusinessNotFound("There is no such business.")
        return result

    return database.read(ctx.deadline, run)
