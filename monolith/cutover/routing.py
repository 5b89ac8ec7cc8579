"""Which side to call: ownership as this process knows it."""

from uuid import UUID

from monolith.cutover.store import ownership
from monolith.modules.scheduling.ownership import Ownership
from monolith.shared.database import Database, DatabaseUnavailable
from monolith.shared.flags.change_listener import ChangeNotice
from monolith.shared.flags.scheduling_flag import DATABASE_OF, SchedulingFlag


class OwnershipRoutes:
    """The routing table behind a cache; what the watch hears of is looked up again.

    When the table cannot be reached, what was known stays in use: a stale route is safe, for a side that does not own a
    business refuses to write it.
    """

    def __init__(self, database: Database, flag: SchedulingFlag) -> None:
        self._database = database
        self._flag = flag
        self._known: dict[UUID, Ownership] = {}
        self._current: set[UUID] = set()
        self._changes = 0

    def owner(self, business_id: UUID) -> Ownership | None:
        known = self._known.get(business_id)
        if known is not None and business_id in self._current:
            return known
        try:
            return self.reload(business_id)
        except DatabaseUnavailable:
            if known is None:
                raise
            return known

    def reload(self, business_id: UUID) -> Ownership | None:
        changes = self._changes
        with self._database.transaction() as connection:
            found = ownership.owner_of(connection, business_id)
        if found is not None:
            self._known[business_id] = found
            # A notice that came while the row was being read may have been about it: then it counts as old already.
            if changes == self._changes:
                self._current.add(business_id)
        return found

    def claim(self, business_id: UUID) -> Ownership:
        database = DATABASE_OF[self._flag.adapter_for(business_id)]
        with self._database.transaction() as connection:
            return ownership.claim(connection, business_id, database)

    def invalidate(self, notice: ChangeNotice | None) -> None:
        """What the watch calls about a change: of one business, or of anything."""
        if notice is not None and notice.table != "ownership":
            return
        self._changes += 1
        if notice is None:
            self._current = set()
        else:
            self._current.discard(UUID(notice.business))
