"""Concurrent random operations: the database agrees with the replies, in one serial order."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import pairwise
from threading import Thread
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    HoldExpired,
    InvalidTransition,
    PolicyRefused,
    SlotUnavailable,
    VersionConflict,
)
from tests.contract.port import appointments as calls
from tests.contract.port.shop import Caller, Shop, at, customer_of
from tests.integration.engine.race_invariants import expire, require_claimed
from tests.integration.engine.workbench import Workbench, told_to_return

CLIENTS, STEPS = 8, 40
FORESEEN = (SlotUnavailable, VersionConflict, InvalidTransition, HoldExpired, PolicyRefused)


@dataclass
class World:
    """The state shared by all clients. `told` holds every acknowledged version of an appointment."""

    shop: Shop
    offerings: list[m.Offering]
    providers: list[m.Provider]
    known: list[m.Appointment] = field(default_factory=list)
    told: list[m.Appointment] = field(default_factory=list)
    surprises: list[Exception] = field(default_factory=list)


def open_world(bench: Workbench) -> World:
    """Open a business with three providers, two rooms and five kinds of offering."""
    shop = bench.shop(hold_minutes=1, step_minutes=30)
    providers = [shop.provider, shop.add_provider("Zoe", weight=2), shop.add_provider("Max")]
    for n in range(2):
        shop.add_resource(f"Room {n}")
    room = (m.ResourceNeed(kind="room"),)
    more = [
        shop.add_offering("Long", duration_minutes=90, step_minutes=30, buffer_after_minutes=15, assignment="weighted"),
        shop.add_offering("Yoga", duration_minutes=60, capacity=3, requires_approval=True),
        shop.add_offering("Facial", duration_minutes=30, needs=room, assignment="most_free"),
        shop.add_offering("Trio", duration_minutes=30, assignment="collective"),
    ]
    for provider in providers[1:]:
        shop.perform(*more, provider=provider)
    return World(shop, [shop.offering, *more], providers)


class Client:
    """One thread's operations, determined by its seed; the interleaving is not."""

    def __init__(self, world: World, bench: Workbench, seed: int) -> None:
        self._world, self._bench, self._random = world, bench, random.Random(seed)
        self._customer = customer_of(world.shop.business_id)

    def run(self) -> None:
        for _ in range(STEPS):
            try:
                answer = self._step()()
            except FORESEEN:
                continue
            except Exception as error:  # any other error
                if not told_to_return(error):
                    self._world.surprises.append(error)
                continue
            self._world.told.append(answer)
            self._world.known.append(answer)

    def _step(self) -> Callable[[], m.Appointment]:
        shop, chosen = self._world.shop, self._random
        if not self._world.known or chosen.random() < 0.5:
            return self._new()
        appointment = chosen.choice(self._world.known[-24:])
        by = shop.staff
        again: list[Callable[[], m.Appointment]] = [
            partial(calls.move, shop, appointment, self._start(), by),
            partial(calls.move, shop, appointment, self._start(), by, overbook=chosen.random() < 0.2),
            partial(calls.cancel, shop, appointment, by),
            partial(calls.confirm, shop, appointment, by),
            partial(calls.approve, shop, appointment),
            partial(calls.decline, shop, appointment),
            partial(self._let_expire, appointment),
        ]
        return chosen.choice(again)

    def _new(self) -> Callable[[], m.Appointment]:
        shop, chosen = self._world.shop, self._random
        offering = chosen.choice(self._world.offerings)
        somebody = chosen.choice([None, *(each.provider_id for each in self._world.providers)])
        fields: dict[str, Any] = {
            "offering_id": offering.offering_id,
            "provider_id": somebody,
            "seats": chosen.randint(1, min(2, offering.capacity)),
        }
        if chosen.random() < 0.4:
            return partial(calls.hold, shop, self._start(), self._customer, **fields)
        if chosen.random() < 0.1:
            overbooked = {**fields, "customer_id": self._customer.id, "overbook": True}
            return partial(shop.book, self._start(), shop.staff, **overbooked)
        return partial(shop.book, self._start(), self._customer, **fields)

    def _let_expire(self, appointment: m.Appointment) -> m.Appointment:
        """Make a hold overdue and settle."""
        expire(self._bench, appointment)
        shop = self._world.shop
        shop.port.settle(shop.system.writes(), m.Settle())
        found = calls.get(shop, appointment)
        if found.status != "expired":
            raise InvalidTransition("Somebody confirmed it, gave it back, or is about to.")
        return found

    def _start(self) -> datetime:
        return at(9, 30 * self._random.randrange(8))


def changes_of(bench: Workbench, shop: Shop) -> dict[UUID, list[m.Change]]:
    rows = bench.sql("SELECT DISTINCT appointment_id FROM scheduling.history WHERE business_id = %s", shop.business_id)
    staff: Caller = shop.staff
    return {
        appointment_id: list(shop.port.get_history(staff.reads(), m.GetHistory(appointment_id=appointment_id)).changes)
        for (appointment_id,) in rows
    }


@pytest.mark.row("F43")
@pytest.mark.parametrize("seed", range(4))
def test_concurrent_replies_have_one_serial_order(bench: Workbench, seed: int) -> None:
    world, deadlocks = open_world(bench), bench.deadlocks()
    clients = [Client(world, bench, 1_000 * seed + n) for n in range(CLIENTS)]
    threads = [Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.surprises == []
    assert len(world.told) > CLIENTS * STEPS / 16
    histories = changes_of(bench, world.shop)
    for changes in histories.values():
        require_in_one_order(bench, world.shop, changes)
    for told in world.told:
        assert told in [change.after for change in histories[told.appointment_id]]
    require_claimed(bench, world.shop)
    require_disjoint_claims(bench, world.shop)
    assert bench.deadlocks() == deadlocks


def require_in_one_order(bench: Workbench, shop: Shop, changes: list[m.Change]) -> None:
    """Require gapless versions, each continuing the previous one, and matching events."""
    assert [change.version for change in changes] == list(range(1, len(changes) + 1))
    assert [change.after.version for change in changes] == [change.version for change in changes]
    assert changes[0].before is None
    for earlier, later in pairwise(changes):
        assert later.before == earlier.after
    standing = calls.get(shop, changes[0].after)
    assert msgspec.structs.replace(standing, hold_expires_at=None) == msgspec.structs.replace(
        changes[-1].after, hold_expires_at=None
    )
    events = bench.sql(
        "SELECT version FROM scheduling.outbox WHERE business_id = %s AND appointment_id = %s ORDER BY version",
        shop.business_id,
        standing.appointment_id,
    )
    assert [version for (version,) in events] == [change.version for change in changes]


def require_disjoint_claims(bench: Workbench, shop: Shop) -> None:
    """Check for overlapping claims by a query, without the constraint."""
    claims = bench.sql(
        """
        SELECT resource_id, starts_at, ends_at FROM scheduling.claim
         WHERE business_id = %s AND NOT overbooked ORDER BY 1, 2
        """,
        shop.business_id,
    )
    for earlier, later in pairwise(claims):
        assert earlier[0] != later[0] or earlier[2] <= later[1]
