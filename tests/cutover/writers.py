"""Writers that use a business during a cutover, and the ledger of the replies they got.

They go through the switched port, as the monolith does: in process to one database, and straight to the engine over the
other, so that a test needs no web. What the whole HTTP stack does is another test's.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from openfeature import api as openfeature
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import (
    DeadlineExceeded,
    InvalidTransition,
    KeyInProgress,
    OutcomeUnknown,
    SchedulingError,
    SlotUnavailable,
    Unavailable,
    VersionConflict,
)
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.routing import OwnershipRoutes
from monolith.cutover.scheduling_flag import SchedulingFlag
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.provider import DatabaseFlags
from monolith.shared.flags.store import FlagStore
from scheduling_service.engine import database as engine_database
from scheduling_service.engine.engine import SchedulingEngine
from tests.contract.port.shop import Shop, at, customer_of, open_shop

_REFUSED = (SlotUnavailable, VersionConflict, InvalidTransition)
_REPEATED = (OutcomeUnknown, Unavailable, KeyInProgress, DeadlineExceeded)


@contextmanager
def switched_port(pair: SchedulingDatabases, service: SchedulingPort | None = None) -> Iterator[SwitchedScheduling]:
    """Yield the port over both databases; `service` reaches the scheduling database in place of the engine."""
    platform = ModuleDatabase(pair.monolith.url, role="platform_app", secret=pair.monolith.secret)
    cutover = ModuleDatabase(pair.monolith.url, role="cutover_app", secret=pair.monolith.secret)
    domain = uuid4().hex
    openfeature.set_provider(DatabaseFlags(FlagStore(platform)), domain)
    routes = OwnershipRoutes(cutover, SchedulingFlag(openfeature.get_client(domain)))
    databases = {
        name: engine_database.EngineDatabase(pair.at(name).url_as("scheduling_app"), pool_size=8) for name in pair.names
    }
    try:
        ports: dict[DatabaseName, SchedulingPort] = {
            name: SchedulingEngine(database) for name, database in databases.items()
        }
        if service is not None:
            ports["scheduling"] = service
        yield SwitchedScheduling(ports, routes)
    finally:
        for database in databases.values():
            database.drop_idle()
        platform.close()
        cutover.close()


def opened(port: SchedulingPort, **offering: Any) -> Shop:
    """Open a business in the database that the flag requests, by default the monolith's."""
    return open_shop(port, uuid7(), **{"step_minutes": 15, "duration_minutes": 15, **offering})


@dataclass
class Ledger:
    """The acknowledged results by appointment, the duration of each write, and unsettled outcomes."""

    told: dict[UUID, m.Appointment] = field(default_factory=dict)
    asked: set[UUID] = field(default_factory=set)
    """The customers of all requests."""
    seconds: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)

    def require_true(self, pair: SchedulingDatabases, business_id: UUID, owner: DatabaseName) -> None:
        """Assert that the owner holds every acknowledged result exactly once, and nothing unrequested."""
        with pair.at(owner).connect() as db:
            rows = db.execute(
                """
                SELECT appointment_id, version, status, starts_at, customer_id
                  FROM scheduling.appointment WHERE business_id = %s
                """,
                (business_id,),
            ).fetchall()
        stands = {row[0]: row[1:] for row in rows}
        assert self.lost == []
        for appointment_id, told in self.told.items():
            assert stands.get(appointment_id, ())[:3] == (told.version, told.status, told.starts_at), told
        assert {row[4] for row in rows} <= self.asked
        assert set(stands) == set(self.told)
        booked = sorted(row[2] for row in stands.values() if row[1] == "booked")
        assert len(set(booked)) == len(booked)


class _Person(threading.Thread):
    """Book, reschedule and cancel until stopped; repeat an unknown outcome with the same key."""

    def __init__(self, shop: Shop, ledger: Ledger, stop: threading.Event, seed: int, pause: float) -> None:
        super().__init__(daemon=True)
        self._shop, self._ledger, self._stopping, self._pause = shop, ledger, stop, pause
        self._chance = random.Random(seed)
        self._me = customer_of(shop.business_id)
        self._mine: list[m.Appointment] = []
        ledger.asked.add(self._me.id)

    def run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                appointment = self._act()
            except _REFUSED as error:
                self._ledger.answers[error.code] += 1
            except SchedulingError as error:
                self._ledger.lost.append(f"{error.code}: {error.message}")
            else:
                self._ledger.told[appointment.appointment_id] = appointment
                self._ledger.answers["done"] += 1
                self._ledger.seconds.append(time.monotonic() - began)
            self._stopping.wait(self._pause)

    def _act(self) -> m.Appointment:
        key, start = uuid4().hex, self._start()
        if not self._mine or self._chance.random() < 0.6:
            booked = self._settled(lambda ctx: self._shop.port.book(ctx, self._shop.booking(start, self._me)), key)
            self._mine.append(booked)
            return booked
        index = self._chance.randrange(len(self._mine))
        one = self._mine[index]
        if self._chance.random() < 0.5:
            request = m.Cancel(appointment_id=one.appointment_id, expected_version=one.version)
            changed = self._settled(lambda ctx: self._shop.port.cancel(ctx, request), key)
            del self._mine[index]
        else:
            move = m.Reschedule(appointment_id=one.appointment_id, starts_at=start, expected_version=one.version)
            changed = self._settled(lambda ctx: self._shop.port.reschedule(ctx, move), key)
            self._mine[index] = changed
        return changed

    def _settled(self, ask: Callable[[CallContext], m.Appointment], key: str) -> m.Appointment:
        """Repeat the request with the same key until its outcome is known."""
        until = time.monotonic() + 30
        while True:
            try:
                return ask(self._me.writes(key, seconds=3.0))
            except _REPEATED as error:
                self._ledger.answers[error.code] += 1
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def _start(self) -> datetime:
        return at(9, 15 * self._chance.randrange(32), day=self._chance.choice([0, 1, 2, 3, 4, 7, 8, 9, 10, 11]))


@contextmanager
def writers(shop: Shop, people: int = 4, *, pause: float = 0.002, seed: int = 1) -> Iterator[Ledger]:
    """Run writers while the block runs, and wait until each has finished its last request."""
    ledger, stop = Ledger(), threading.Event()
    ledger.asked.update(caller.id for caller in (shop.customer, shop.stranger))
    threads = [_Person(shop, ledger, stop, seed * 100 + n, pause) for n in range(people)]
    for thread in threads:
        thread.start()
    try:
        yield ledger
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    # Otherwise the ledger might miss what they do later.
    assert not any(thread.is_alive() for thread in threads), "overloaded machine: a writer did not finish within 60 s"
