"""The routing table, cached by each process."""

import threading
from uuid import UUID

from sqlalchemy import Connection

from contracts.scheduling.values import DatabaseName
from monolith.cutover.scheduling_flag import DATABASE_OF, FlagValue, SchedulingFlag, adapter_in, database_in
from monolith.cutover.store import ownership, registry
from monolith.modules.scheduling.ownership import Ownership
from monolith.shared.database import DatabaseUnavailable, ModuleDatabase
from monolith.shared.flags.change_listener import ChangeNotice


class OwnershipRoutes:
    """A cache of the routing table, invalidated by change notices.

    While the table is unreachable, cached routes stay in use. A stale route is safe: a database that does not own a
    business refuses to write it.
    """

    def __init__(self, database: ModuleDatabase, flag: SchedulingFlag) -> None:
        self._database = database
        self._flag = flag
        self._cached: dict[UUID, Ownership] = {}
        self._current: set[UUID] = set()
        self._changes = 0
        self._changed = threading.Condition()

    def owner(self, business_id: UUID) -> Ownership | None:
        cached = self._cached.get(business_id)
        if cached is not None and business_id in self._current:
            return cached
        try:
            return self.reload(business_id)
        except DatabaseUnavailable:
            if cached is None:
                raise
            return cached

    def reload(self, business_id: UUID) -> Ownership | None:
        changes = self._changes
        found = self._database.query(lambda connection: ownership.owner_of(connection, business_id))
        if found is not None:
            self._cached[business_id] = found
            # A notice that arrived during the read may concern this row: do not trust the row then.
            if changes == self._changes:
                self._current.add(business_id)
        return found

    def claim(self, business_id: UUID) -> Ownership:
        value = self._flag.value_for(business_id)
        with self._database.transaction() as connection:
            return ownership.claim(connection, business_id, _placement(connection, value))

    def changes(self) -> int:
        return self._changes

    def wait_for_change(self, seen: int, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._changes != seen, seconds)

    def invalidate(self, notice: ChangeNotice | None) -> None:
        """Drop what a change notice concerns: one business, or (None) all. Wakes the calls that wait for a cutover."""
        if notice is not None and notice.table not in ("ownership", "cutover"):
            return
        with self._changed:
            self._changes += 1
            if notice is None:
                self._current = set()
            elif notice.table == "ownership":
                self._current.discard(UUID(notice.business))
            self._changed.notify_all()


def _placement(connection: Connection, value: FlagValue) -> DatabaseName:
    """Return the database for a new business: the one that the flag names, unless it is draining, or by load."""
    adapter, named = adapter_in(value), database_in(value)
    if adapter == "in_process":
        return DATABASE_OF[adapter]
    if named is not None and registry.accepts_new(connection, named):
        return named
    return registry.least_loaded(connection) or DATABASE_OF[adapter]
