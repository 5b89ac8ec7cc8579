"""drain_*: emptying a database of the service while its businesses are in use."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.values import DatabaseName
from deploy.control_plane import connected_control_plane
from deploy.errors import CommandError
from loadtests.bench.figures import Figure
from loadtests.bench.output import echo
from loadtests.bench.service_databases import (
    FIRST_FREE_DAY,
    Booking,
    BookingLoad,
    running_service_databases,
    seed_database,
)
from loadtests.generator.estimates import percentile
from loadtests.harness.bench_servers import running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.cutovers import WritePause, pause_of
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.replication import CopyProgress
from monolith.cutover.service.database_service import DrainRequest
from monolith.cutover.store.cutovers import Cutover

SOURCE: Final[DatabaseName] = "scheduling"
TARGET: Final[DatabaseName] = "scheduling-2"
APPOINTMENTS_EACH: Final = 20
_CLIENTS: Final = 2
_BETWEEN_SECONDS: Final = 0.005
"""Between two bookings of a client."""


class _Write(NamedTuple):
    """A booking and its latency. `began` is in seconds since 1970."""

    booking: Booking
    began: float
    ms: float


@dataclass
class _Drain:
    """The cutovers of a drain so far. `order` is the order in which it moves the businesses."""

    order: Sequence[UUID]
    pauses: dict[UUID, WritePause] = field(default_factory=dict)

    def add(self, cutover: Cutover) -> None:
        self.pauses[cutover.business_id] = pause_of(cutover)
        if len(self.pauses) % 100 == 0:
            echo(f"  {len(self.pauses)} of {len(self.order)} businesses moved")

    @property
    def next_business(self) -> UUID:
        """The business that is being moved, or will be next; the last one at the end."""
        return self.order[min(len(self.pauses), len(self.order) - 1)]


def measure(cores: Cores, quick: bool) -> dict[str, Figure]:
    """Empty a database of 1,000 businesses, or of 50 if `quick`.

    One client books at all businesses in turn; the other one books at the business that is being moved, so that most
    pauses delay a booking. Raises CommandError if a booking fails, if an acknowledged one is missing afterwards, or if
    one was not requested.
    """
    with (
        running_bench_servers(cores) as servers,
        running_service_databases(servers, (SOURCE, TARGET), _CLIENTS) as running,
    ):
        number = 50 if quick else 1_000
        load = BookingLoad(running.port, seed_database(servers, SOURCE, number, number * APPOINTMENTS_EACH))
        drain = _Drain(sorted(each.business_id for each in load.businesses))
        url, secret = running.databases.monolith.url, running.databases.monolith.secret
        with (
            # No web process runs, so none is probed.
            connected_control_plane(url, secret, lambda: running.databases, lambda database: None) as plane,
            cores.generating_load(),
            _booking(load, drain) as writes,
        ):
            request = DrainRequest(SOURCE, "bench", "to measure", TARGET)
            began = time.monotonic()
            moved = plane.databases.drain(request, _ignore, lambda slug, cutover: drain.add(cutover))
            took = time.monotonic() - began
        _require_stored(running.databases, writes)
    if moved != number:
        raise CommandError(f"{moved} of {number} businesses were moved")
    echo(f"{moved} businesses moved in {took:.0f} s; {len(writes):,} bookings meanwhile, none failed and none was lost")
    return _figures(drain.pauses, writes, took)


def _figures(pauses: Mapping[UUID, WritePause], writes: Sequence[_Write], took: float) -> dict[str, Figure]:
    paused = [each for each in writes if _overlaps(each, pauses[each.booking.business_id])]
    usual = percentile([each.ms for each in writes], 0.5)
    stalls = [max(0.0, each.ms - usual) for each in paused] or [0.0]
    pause_ms = [each.milliseconds for each in pauses.values()]
    return {
        "drain_s": Figure(took, "s", len(pauses), took, took),
        "drain_pause_median_ms": Figure(percentile(pause_ms, 0.5), "ms", len(pauses), min(pause_ms), max(pause_ms)),
        "drain_stall_p99_ms": Figure(percentile(stalls, 0.99), "ms", len(paused), min(stalls), max(stalls)),
        "drain_lost": Figure(0.0, "count", len(writes), 0.0, 0.0),
    }


def _overlaps(write: _Write, pause: WritePause) -> bool:
    return write.began <= pause.ends and write.began + write.ms / 1000 >= pause.begins


@contextmanager
def _booking(load: BookingLoad, drain: _Drain) -> Iterator[list[_Write]]:
    """Book while the block runs; the list is complete when it has ended. Raises CommandError if a booking failed."""
    writes, stop, errors = list[_Write](), threading.Event(), list[Exception]()

    def run_client(book: Callable[[], Booking]) -> None:
        while not stop.wait(_BETWEEN_SECONDS):
            at, began = time.time(), time.perf_counter()
            try:
                booked = book()
            except (SchedulingError, CommandError) as error:
                errors.append(error)
                return
            writes.append(_Write(booked, at, (time.perf_counter() - began) * 1000))

    clients = (load.book_next, lambda: load.book_at(drain.next_business))
    threads = [threading.Thread(target=run_client, args=(book,)) for book in clients]
    for thread in threads:
        thread.start()
    try:
        yield writes
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if errors:
        raise CommandError(f"a booking failed during the drain: {errors[0]}")


def _require_stored(databases: SchedulingDatabases, writes: Sequence[_Write]) -> None:
    """Compare the acknowledged bookings with all that were made since the seeding."""
    since = datetime.combine(FIRST_FREE_DAY, datetime.min.time(), UTC) - timedelta(days=1)
    query = "SELECT appointment_id, provider_id, starts_at FROM scheduling.appointment WHERE starts_at >= %s"
    found = dict[DatabaseName, set[tuple[object, ...]]]()
    for name in (SOURCE, TARGET):
        with databases.at(name).connect() as db:
            found[name] = set(db.execute(query, (since,)).fetchall())
    booked = (each.booking.appointment for each in writes)
    made = {(each.appointment_id, each.provider_id, each.starts_at) for each in booked}
    lost, unasked = made - found[TARGET], found[TARGET] - made
    if lost or unasked or found[SOURCE]:
        raise CommandError(
            f"{len(lost)} bookings are lost, {len(unasked)} were not requested, and {SOURCE} has {len(found[SOURCE])}"
        )


def _ignore(_progress: CopyProgress) -> None:
    """Print nothing."""
