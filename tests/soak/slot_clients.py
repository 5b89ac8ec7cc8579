"""Clients that contend for two slots of one business at a time, through the switched port, and their history.

After some seconds they continue with the next two: a slot that a booking of unknown outcome occupies stays taken, and
many short histories are cheap to check.
"""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    DeadlineExceeded,
    InvalidTransition,
    KeyInProgress,
    OutcomeUnknown,
    SlotUnavailable,
    Unavailable,
    VersionConflict,
)
from tests.contract.port.shop import Shop, at, customer_of
from tests.linearizability import linearization
from tests.slot_history import Book, Cancel, Look, SlotEffect, SlotOperation, slot_operation

CLIENTS = 3
ROUND_SECONDS = 15.0
"""The time for which clients contend for the same two slots."""
_HOURS = (9, 11, 13, 15)
SECONDS = 2.0
LEFT_OPEN = 0.5
"""The share of unknown outcomes that a client does not settle."""
NOTHING_DONE = (Unavailable, DeadlineExceeded, KeyInProgress)
_PAUSE_SECONDS = (0.05, 0.25)
R = TypeVar("R")


def slots_of_round(number: int) -> tuple[datetime, datetime]:
    """Return the two slots of a round; no two rounds share one."""
    days, hour = divmod(number, len(_HOURS))
    weeks, day = divmod(days, 5)
    return at(_HOURS[hour], day=7 * weeks + day), at(_HOURS[hour] + 1, day=7 * weeks + day)


@dataclass
class SlotHistories:
    """The operations on each slot, appended by all clients; `unknown` of them were left open."""

    slots: dict[datetime, list[SlotOperation]] = field(default_factory=lambda: defaultdict(list))
    unknown: int = 0
    broken: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, slot: datetime, effect: SlotEffect, invoked: float) -> None:
        operation = slot_operation(effect, invoked, time.monotonic())
        with self._lock:
            self.slots[slot].append(operation)
            self.unknown += not operation.is_known

    @property
    def operations(self) -> int:
        return sum(map(len, self.slots.values()))

    def look(self, shop: Shop) -> None:
        """Add what a search finds now: it contradicts the history if a booking or a cancellation was lost."""
        for slot in list(self.slots):
            invoked = time.monotonic()
            self.add(slot, Look(slot in shop.starts(slot, slot + timedelta(hours=1))), invoked)

    def contradictions(self) -> list[str]:
        """Return the slots whose history no order explains."""
        return [
            f"the slot of {slot:%a %d %b, %H:%M}"
            for slot, history in self.slots.items()
            if linearization(history, None) is None
        ]


class _Client(threading.Thread):
    def __init__(self, shop: Shop, histories: SlotHistories, stop: threading.Event, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self._shop, self._histories, self._stopping, self._chance = shop, histories, stop, chance
        self._customer = customer_of(shop.business_id)
        self._began = time.monotonic()
        self._booked: list[tuple[datetime, UUID]] = []

    def run(self) -> None:
        while not self._stopping.wait(self._chance.uniform(*_PAUSE_SECONDS)):
            try:
                self._chance.choice([self._book, self._cancel])()
            except NOTHING_DONE:
                continue
            except Exception as error:
                self._histories.broken.append(f"{type(error).__name__}: {error}")

    def _book(self) -> None:
        slot, key = self._chance.choice(self._slots()), uuid7().hex
        request = self._shop.booking(slot, self._customer)
        invoked = time.monotonic()
        try:
            made = self._settled(lambda: self._shop.port.book(self._customer.writes(key, SECONDS), request))
        except SlotUnavailable:
            self._histories.add(slot, Book(key, None), invoked)
        except OutcomeUnknown:
            self._histories.add(slot, Book(key, None, unknown=True), invoked)
        else:
            self._booked.append((slot, made.appointment_id))
            self._histories.add(slot, Book(key, made.appointment_id), invoked)

    def _slots(self) -> tuple[datetime, datetime]:
        return slots_of_round(int((time.monotonic() - self._began) / ROUND_SECONDS))

    def _cancel(self) -> None:
        if not self._booked:
            return
        slot, appointment_id = self._chance.choice(self._booked[-4:])
        request, key = m.Cancel(appointment_id=appointment_id), uuid7().hex
        invoked = time.monotonic()
        try:
            self._settled(lambda: self._shop.port.cancel(self._customer.writes(key, SECONDS), request))
        except (InvalidTransition, VersionConflict):
            self._histories.add(slot, Cancel(appointment_id, done=False), invoked)
        except OutcomeUnknown:
            self._histories.add(slot, Cancel(appointment_id, done=False, unknown=True), invoked)
        else:
            self._histories.add(slot, Cancel(appointment_id, done=True), invoked)

    def _settled(self, call: Callable[[], R]) -> R:
        """Call once; mostly, settle an unknown outcome by the same key."""
        try:
            return call()
        except OutcomeUnknown:
            if self._chance.random() < LEFT_OPEN:
                raise
        while True:
            time.sleep(self._chance.uniform(0.05, 0.2))
            with suppress(OutcomeUnknown, *NOTHING_DONE):
                return call()


@contextmanager
def contending(shop: Shop, seed: int) -> Iterator[SlotHistories]:
    """Run the clients while the block runs, and wait until each has finished its last call."""
    histories, stop, chance = SlotHistories(), threading.Event(), random.Random(seed)
    clients = [_Client(shop, histories, stop, random.Random(chance.random())) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield histories
    finally:
        stop.set()
        for client in clients:
            client.join(60)
    histories.broken += [f"{client.name} did not finish within 60 s" for client in clients if client.is_alive()]
