"""The engine as one object: the scheduling port over one database."""

from typing import cast

from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import Forbidden
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.validation import check_deadline, require_key
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.handlers import bind_handlers
from scheduling_service.engine.rules import RulesCache


class SchedulingEngine(SchedulingPort):
    """Every operation of the port on one database. Thread-safe; its only state is a cache of compiled rules."""

    def __init__(self, database: EngineDatabase) -> None:
        self._database = database
        self._handlers = bind_handlers(database, RulesCache())

    def ping(self) -> None:
        """Raise Unavailable unless the database responds and is migrated."""
        self._database.ping()

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        """Perform an operation. The checks and their order are the same for local and for remote callers."""
        check_deadline(ctx)
        if operation.writes:
            require_key(ctx.idempotency_key)
        if ctx.actor.kind not in operation.actors:
            raise Forbidden("You are not allowed to do this.")
        return cast(R, self._handlers[operation](ctx, request))
