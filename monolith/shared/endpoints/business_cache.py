"""Businesses by slug, which every request with a business in its path reads."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from monolith.shared.database import DatabaseUnavailable
from monolith.shared.endpoints.identity import BusinessRef
from monolith.shared.flags.change_listener import ChangeNotice


class _Entry(NamedTuple):
    business: BusinessRef
    expires_at: float


class BusinessCache:
    """Caches up to `max_entries` businesses until a change notice concerns them. Thread-safe.

    `is_notified` returns whether change notices arrive at the moment; while they do not, a business is read again after
    `seconds`. Unknown slugs are not cached, so a new business is usable in every process immediately. While the
    database is unavailable, outdated entries are used.
    """

    def __init__(
        self,
        find: Callable[[str], BusinessRef | None],
        *,
        is_notified: Callable[[], bool] = lambda: False,
        seconds: float = 5.0,
        max_entries: int = 10_000,
    ) -> None:
        self._find = find
        self._is_notified = is_notified
        self._seconds = seconds
        self._max_entries = max_entries
        self._entries: dict[str, _Entry] = {}
        self._current: set[str] = set()
        self._changes = 0
        self._lock = threading.Lock()

    def get(self, slug: str) -> BusinessRef | None:
        """Return the business, or None if there is none. Raises DatabaseUnavailable."""
        cached = self._entries.get(slug)
        if cached is not None and slug in self._current and self._is_valid(cached):
            return cached.business
        changes = self._changes
        try:
            business = self._find(slug)
        except DatabaseUnavailable:
            if cached is None:
                raise
            return cached.business
        self._store(slug, business, changes)
        return business

    def invalidate(self, notice: ChangeNotice | None) -> None:
        """Read again what a change notice concerns: one business, or (None) all."""
        if notice is not None and notice.table != "business":
            return
        with self._lock:
            self._changes += 1
            changed = [
                slug
                for slug, entry in self._entries.items()
                if notice is None or str(entry.business.business_id) == notice.business
            ]
            self._current.difference_update(changed)

    def _is_valid(self, entry: _Entry) -> bool:
        return time.monotonic() < entry.expires_at or self._is_notified()

    def _store(self, slug: str, business: BusinessRef | None, changes: int) -> None:
        with self._lock:
            self._remove(slug)
            if business is None:
                return
            if len(self._entries) >= self._max_entries:
                self._remove(next(iter(self._entries)))
            self._entries[slug] = _Entry(business, time.monotonic() + self._seconds)
            # A notice that arrived during the read may concern this row: do not trust the row then.
            if changes == self._changes:
                self._current.add(slug)

    def _remove(self, slug: str) -> None:
        self._entries.pop(slug, None)
        self._current.discard(slug)
