"""Clients book, cancel and look at few slots at once while replies are lost: the history of each slot is linearizable.

Fault 43. Replies are cut after the service has done its work, so clients see unknown outcomes; they settle some of them
by repeating the key, and leave the others open.
"""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    DeadlineExceeded,
    InvalidTransition,
    OutcomeUnknown,
    SlotUnavailable,
    Unavailable,
    VersionConflict,
)
from contracts.scheduling.port import SchedulingPort
from deploy.devstack.keys import Keys
from monolith.modules.scheduling.adapters.breaker import Breaker
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from tests.contract.port.shop import Shop, at, customer_of, open_shop
from tests.faults.proxy import Cut, TcpProxy
from tests.linearizability import linearization
from tests.slot_history import Book, Cancel, Look, SlotEffect, SlotOperation, slot_operation

CLIENTS, STEPS = 6, 120
SLOTS = (at(9), at(10))
SECONDS = 1.0
LEFT_OPEN = 0.5
"""The share of unknown outcomes that a client does not settle."""
NOTHING_DONE = (Unavailable, DeadlineExceeded)
R = TypeVar("R")


@dataclass
class Histories:
    """The operations on each slot, appended by all clients."""

    slots: dict[datetime, list[SlotOperation]] = field(default_factory=lambda: defaultdict(list))
    unknown: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, slot: datetime, effect: SlotEffect, invoked: float, returned: float) -> None:
        operation = slot_operation(effect, invoked, returned)
        with self._lock:
            self.slots[slot].append(operation)
            self.unknown += not operation.is_known


class Client:
    """One customer, with a random generator of its own. Remembers the appointments that it booked."""

    def __init__(self, shop: Shop, direct: SchedulingPort, histories: Histories, chance: random.Random) -> None:
        """`shop` is reached through the proxy; what it left open is settled through `direct`."""
        self._shop = shop
        self._direct = direct
        self._customer = customer_of(shop.business_id)
        self._histories = histories
        self._chance = chance
        self._booked: list[tuple[datetime, UUID]] = []

    def run(self) -> None:
        for _ in range(STEPS):
            action = self._chance.choice([self._book, self._book, self._cancel, self.look])
            try:
                action()
            except NOTHING_DONE:
                continue

    def _book(self) -> None:
        slot, key = self._chance.choice(SLOTS), uuid7().hex
        request = self._shop.booking(slot, self._customer)
        invoked = time.monotonic()
        result: UUID | None = None
        try:
            result = self._settled(lambda port: port.book(self._customer.writes(key, SECONDS), request)).appointment_id
            self._booked.append((slot, result))
        except SlotUnavailable:
            pass
        except OutcomeUnknown:
            self._histories.add(slot, Book(key, None, unknown=True), invoked, time.monotonic())
            return
        self._histories.add(slot, Book(key, result), invoked, time.monotonic())

    def _cancel(self) -> None:
        if not self._booked:
            return
        slot, appointment_id = self._chance.choice(self._booked)
        request, key = m.Cancel(appointment_id=appointment_id), uuid7().hex
        invoked = time.monotonic()
        done, unknown = True, False
        try:
            self._settled(lambda port: port.cancel(self._customer.writes(key, SECONDS), request))
        except (InvalidTransition, VersionConflict):
            done = False
        except OutcomeUnknown:
            unknown = True
        self._histories.add(slot, Cancel(appointment_id, done, unknown), invoked, time.monotonic())

    def look(self) -> None:
        invoked = time.monotonic()
        free = set(self._shop.starts())
        returned = time.monotonic()
        for slot in SLOTS:
            self._histories.add(slot, Look(slot in free), invoked, returned)

    def _settled(self, call: Callable[[SchedulingPort], R]) -> R:
        """Call once; mostly, settle an unknown outcome by the same key."""
        try:
            return call(self._shop.port)
        except OutcomeUnknown:
            if self._chance.random() < LEFT_OPEN:
                raise
        while True:
            time.sleep(self._chance.uniform(0, 0.02))
            with suppress(OutcomeUnknown, *NOTHING_DONE):
                return call(self._direct)


def _cut_replies(proxy: TcpProxy, chance: random.Random, over: threading.Event) -> None:
    """Cut the replies of a few connections at a time, so many that retries of the adapter meet a cut too."""
    while not over.wait(chance.uniform(0.02, 0.06)):
        proxy.clear()
        proxy.inject(*(Cut(chance.choice([0, 40]), reset=chance.random() < 0.5) for _ in range(4)))


@pytest.fixture
def cut_off(proxy: TcpProxy, keys: Keys) -> Iterator[HttpScheduling]:
    """An adapter behind the proxy whose breaker closes again at once: this test is about results, not about load."""
    port = HttpScheduling(proxy.url, signer_from(keys.signing_key), breaker=Breaker(cooldown=0.01))
    yield port
    port.close()


@pytest.mark.row("F43")
@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 13))])
def test_history_of_each_slot_is_linearizable(
    direct: HttpScheduling, cut_off: HttpScheduling, proxy: TcpProxy, seed: int
) -> None:
    shop, histories, chance = open_shop(direct, uuid7()), Histories(), random.Random(seed)
    clients = [Client(shop.through(cut_off), direct, histories, random.Random(chance.random())) for _ in range(CLIENTS)]
    over = threading.Event()
    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        cutting = threads.submit(_cut_replies, proxy, chance, over)
        running = [threads.submit(client.run) for client in clients]
        try:
            for each in running:
                each.result()
        finally:
            over.set()
            cutting.result()
    Client(shop, direct, histories, chance).look()
    assert histories.unknown > 0, "no outcome was unknown: the test tests nothing"
    for slot, history in histories.slots.items():
        assert linearization(history, None), (slot, sorted(history, key=lambda operation: operation.invoked))
