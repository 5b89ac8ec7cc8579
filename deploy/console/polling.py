"""Snapshots of the whole system, made once a second for all browsers, while at least one has a page open."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

T = TypeVar("T")
log = logging.getLogger("console.polling")

SNAPSHOT_SECONDS = 1.0
SHORTEST_SECONDS = 0.1
"""Between two snapshots, however many changes are announced."""
WATCHED_SECONDS = 10.0
"""Reading continues this long after the last request of a browser."""
_UNREAD = "it was not read yet"


@dataclass(frozen=True, slots=True)
class SourceReading(Generic[T]):
    """The last value of a source, and why there is no newer one.

    `value` is None until the first success; `problem` is None after a success. `read_at` is when `value` was read.
    """

    value: T | None
    read_at: datetime | None
    problem: str | None = None

    @property
    def age_seconds(self) -> float:
        return float("inf") if self.read_at is None else (datetime.now(UTC) - self.read_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The latest reading of each source. `number` increases with every snapshot."""

    number: int
    taken_at: datetime
    readings: Mapping[str, SourceReading[Any]] = field(default_factory=dict)

    def reading(self, source: str) -> SourceReading[Any]:
        return self.readings.get(source, SourceReading(None, None, _UNREAD))


class Source:
    """Reads one part of the system in a thread of its own, so that an unreachable part delays no other.

    `read` runs for at most a few seconds; the message of what it raises is shown. It is called every `seconds` while
    the console is watched, and every `idle_seconds` otherwise; with None, not at all. One that `is_announced` is also
    read at each announcement of a change.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], Any],
        seconds: float = SNAPSHOT_SECONDS,
        idle_seconds: float | None = None,
        *,
        is_announced: bool = False,
    ) -> None:
        self.name, self.seconds, self.idle_seconds = name, seconds, idle_seconds
        self.is_announced, self.wake = is_announced, threading.Event()
        self._read = read
        self.latest: SourceReading[Any] = SourceReading(None, None, _UNREAD)

    def update(self) -> None:
        try:
            self.latest = SourceReading(self._read(), datetime.now(UTC))
        except Exception as error:  # Of any kind: the page shows it, and the other sources.
            problem = " ".join(str(error).split()) or type(error).__name__
            if self.latest.problem in (None, _UNREAD):
                log.warning("%s cannot be read: %s", self.name, problem)
            self.latest = SourceReading(self.latest.value, self.latest.read_at, problem)


class Snapshots:
    """The newest snapshot, and the threads that read its sources. Thread-safe.

    Little is read while the console is not watched: `current` starts reading, which ends some seconds after the last
    call.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._changed = threading.Condition()
        self._watched_at = float("-inf")
        self._latest = Snapshot(0, datetime.now(UTC))
        self._announced, self._announced_at = threading.Event(), datetime.now(UTC)

    def start(self) -> None:
        """Start the threads; they end with the process. Call it after the fork, once."""
        for source in self._sources:
            threading.Thread(target=self._repeat, args=(source,), name=f"read {source.name}", daemon=True).start()
        threading.Thread(target=self._publish, name="snapshots", daemon=True).start()

    def current(self, wait_seconds: float = 2.0) -> Snapshot:
        """Return a snapshot of at most about two seconds of age; after a pause, wait for one for `wait_seconds`."""
        with self._changed:
            self._note_watcher()
            self._changed.wait_for(self._is_fresh, wait_seconds)
            return self._latest

    def next(self, after: int, seconds: float) -> Snapshot:
        """Wait for a snapshot with a greater number, for at most `seconds`; return the newest in any case."""
        with self._changed:
            self._note_watcher()
            self._changed.wait_for(lambda: self._latest.number > after, seconds)
            return self._latest

    def announce(self) -> None:
        """Read the announced sources now, and publish a snapshot as soon as they are read."""
        self._announced_at = datetime.now(UTC)
        for source in self._sources:
            if source.is_announced:
                source.wake.set()
        self._announced.set()

    def is_watched(self) -> bool:
        """Return whether a browser requested a snapshot in the last seconds."""
        return time.monotonic() - self._watched_at < WATCHED_SECONDS

    def _note_watcher(self) -> None:
        was_idle = not self.is_watched()
        self._watched_at = time.monotonic()
        if was_idle:
            self._changed.notify_all()

    def _is_fresh(self) -> bool:
        age = (datetime.now(UTC) - self._latest.taken_at).total_seconds()
        return self._latest.number > 0 and age < 2 * SNAPSHOT_SECONDS

    def _repeat(self, source: Source) -> None:
        while True:
            began = time.monotonic()
            source.update()
            source.wake.wait(max(0.05, source.seconds - (time.monotonic() - began)))
            source.wake.clear()
            with self._changed:
                self._changed.wait_for(self.is_watched, source.idle_seconds)

    def _publish(self) -> None:
        """Publish each second, and at each announcement; after a pause, as soon as the sources were read."""
        while True:
            with self._changed:
                self._changed.wait_for(self.is_watched)
            woken = datetime.now(UTC)
            self._await(lambda source: source.idle_seconds is None, woken, SNAPSHOT_SECONDS)
            self._take()
            while self.is_watched():
                if self._announced.wait(SNAPSHOT_SECONDS):
                    self._announced.clear()
                    self._await(lambda source: source.is_announced, self._announced_at, SNAPSHOT_SECONDS / 2)
                self._take()
                time.sleep(SHORTEST_SECONDS)

    def _await(self, selects: Callable[[Source], bool], since: datetime, seconds: float) -> None:
        """Wait until the selected sources were read since then, for at most `seconds`."""
        selected = [source for source in self._sources if selects(source)]
        until = time.monotonic() + seconds
        while time.monotonic() < until and any((source.latest.read_at or since) <= since for source in selected):
            time.sleep(0.02)

    def _take(self) -> None:
        readings = {source.name: source.latest for source in self._sources}
        with self._changed:
            self._latest = Snapshot(self._latest.number + 1, datetime.now(UTC), readings)
            self._changed.notify_all()
