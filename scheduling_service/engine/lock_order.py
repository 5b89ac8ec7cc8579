"""The row locks of one write, acquired in one order. `LOCKS.md` lists the order and explains why it cannot deadlock."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from scheduling_service.engine.database import Connection
from scheduling_service.engine.store import appointments, locks
from scheduling_service.engine.store.appointments import LockedAppointment


class LockContention(Exception):
    """Another write holds a lock that this one must not wait for. The write is rolled back and retried."""


class LockOrder:
    """Acquire the locks of one write transaction and remember how far it has come. Not thread-safe.

    A write waits for an appointment only while it holds no later lock. Opportunistic work, which a write does beyond
    its request, waits neither for appointments nor for customers, offerings, providers or resources. All locks are
    released when the transaction ends.
    """

    def __init__(self, db: Connection, business_id: UUID, *, opportunistic: bool = False) -> None:
        self._db = db
        self._business_id = business_id
        self._opportunistic = opportunistic
        self._holds_later_lock = False

    def opportunistic(self) -> "LockOrder":
        """Return the order for work that the same transaction does beyond its request."""
        return LockOrder(self._db, self._business_id, opportunistic=True)

    @property
    def waits_for_appointments(self) -> bool:
        """Whether this write may still wait for an appointment that another write has locked."""
        return not (self._opportunistic or self._holds_later_lock)

    def appointment(self, appointment_id: UUID) -> LockedAppointment | None:
        """Lock one appointment; None if there is none."""
        return appointments.lock_appointment(self._db, self._business_id, appointment_id)

    def series(self, series_id: UUID) -> list[LockedAppointment]:
        """Lock the appointments of a series. Sorted by start."""
        return appointments.lock_series(self._db, self._business_id, series_id)

    def overdue_holds(self, limit: int) -> list[LockedAppointment]:
        """Lock the holds that have been overdue longest, except those that another write has locked."""
        return appointments.lock_overdue_holds(self._db, self._business_id, limit)

    def overdue_holds_in_session(self, session_id: UUID) -> list[LockedAppointment]:
        """Lock the overdue holds of a session, except those that another write has locked."""
        return appointments.lock_overdue_holds_in_session(self._db, self._business_id, session_id)

    def blocking_holds(self, ids: Sequence[UUID], start: datetime, end: datetime) -> list[LockedAppointment]:
        """Lock the overdue holds that occupy one of these providers or resources between `start` and `end`.

        Skips those that another write has locked when this write may not wait; see `require_no_blocking_holds`.
        """
        wait = self.waits_for_appointments
        return appointments.lock_blocking_holds(self._db, self._business_id, ids, start, end, wait=wait)

    def require_no_blocking_holds(self, ids: Sequence[UUID], start: datetime, end: datetime) -> None:
        """Raise LockContention if overdue holds remain that another write has locked."""
        if appointments.has_blocking_holds(self._db, self._business_id, ids, start, end):
            raise LockContention("another write is changing an overdue hold that occupies this time")

    def acquire(
        self,
        *,
        customer_ids: Collection[UUID] = (),
        offering_ids: Collection[UUID] = (),
        provider_and_resource_ids: Collection[UUID] = (),
    ) -> None:
        """Lock customers, then offerings, then providers and resources, each by id.

        Raises LockContention when the work is opportunistic and another write holds one of them.
        """
        if not (customer_ids or offering_ids or provider_and_resource_ids):
            return
        if self._opportunistic and not locks.try_lock(
            self._db, self._business_id, customer_ids, offering_ids, provider_and_resource_ids
        ):
            raise LockContention("another write has locked a customer, offering, provider or resource")
        for customer_id in sorted(customer_ids):
            locks.lock_customer(self._db, self._business_id, customer_id)
        for offering_id in sorted(offering_ids):
            locks.lock_offering(self._db, self._business_id, offering_id)
        if provider_and_resource_ids:
            locks.lock_providers_and_resources(self._db, self._business_id, provider_and_resource_ids)
        self._holds_later_lock = True

    def try_offering(self, offering_id: UUID) -> Callable[[], bool]:
        """Try to lock an offering in the round trip of the next statement, without waiting.

        Returns a function that tells after that statement whether the lock was acquired.
        """
        statement = locks.try_lock_offering(self._db, self._business_id, offering_id)

        def acquired() -> bool:
            self._holds_later_lock = self._holds_later_lock or statement.returned_row()
            return statement.returned_row()

        return acquired

    def enter_claims(self) -> None:
        """Record that the write changes claims or seats from here on, which come last."""
        self._holds_later_lock = True
