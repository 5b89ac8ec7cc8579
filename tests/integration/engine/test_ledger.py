"""Concurrent random clients, compared with a ledger of their replies."""

import random
from collections import defaultdict
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    InvalidTransition,
    SchedulingError,
    SlotUnavailable,
    Unavailable,
    VersionConflict,
)
from contracts.scheduling.events import decode_event
from tests.contract.port.shop import Shop, at, customer_of
from tests.integration.engine.race_invariants import accepted, require_apart, standing
from tests.integration.engine.workbench import Workbench, at_once, told_to_return

CLIENTS, STEPS = 8, 25


class Client:
    """Books, moves and cancels its own and others' appointments at random, and records the replies."""

    def __init__(self, shop: Shop, providers: list[UUID], known: list[m.Appointment], seed: int) -> None:
        self._shop, self._providers, self._known = shop, providers, known
        self._chance = random.Random(seed)
        self.told: list[m.Appointment] = []

    def run(self) -> list[m.Appointment]:
        for _ in range(STEPS):
            try:
                told = self._step()
            except (SlotUnavailable, VersionConflict, InvalidTransition):
                continue
            except Unavailable as error:
                if told_to_return(error):
                    continue
                raise
            self.told.append(told)
            self._known.append(told)
        return self.told

    def _step(self) -> m.Appointment:
        if not self._known or self._chance.random() < 0.5:
            return self._shop.book(self._start(), customer_of(self._shop.business_id), provider_id=self._provider())
        one = self._chance.choice(self._known)
        if self._chance.random() < 0.5:
            request = m.Cancel(appointment_id=one.appointment_id, expected_version=one.version)
            return self._shop.port.cancel(self._shop.staff.writes(), request)
        return self._shop.port.reschedule(
            self._shop.staff.writes(),
            m.Reschedule(
                appointment_id=one.appointment_id,
                starts_at=self._start(),
                expected_version=one.version,
                provider_id=self._provider(),
            ),
        )

    def _start(self) -> Any:
        return at(9, 15 * self._chance.randrange(16))

    def _provider(self) -> UUID:
        return self._chance.choice(self._providers)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_acknowledged_replies_match_the_database(bench: Workbench, seed: int) -> None:
    shop = bench.shop(step_minutes=15)
    providers = [shop.provider.provider_id, shop.add_provider().provider_id]
    deadlocks = bench.deadlocks()
    known: list[m.Appointment] = []
    clients = [Client(shop, providers, known, seed * 1000 + n) for n in range(CLIENTS)]
    results = at_once([partial(Client.run, client) for client in clients])
    assert not [each for each in results if isinstance(each, SchedulingError)], results
    told = [appointment for each in accepted(results) for appointment in each]
    _require_one_history(bench, shop, told)
    require_apart(standing(shop))
    assert bench.deadlocks() == deadlocks


def _require_one_history(bench: Workbench, shop: Shop, told: list[m.Appointment]) -> None:
    """Require that each version was returned to one client, is in the outbox, and that none is missing."""
    history: dict[UUID, list[m.Appointment]] = defaultdict(list)
    for appointment in sorted(told, key=lambda each: each.version):
        history[appointment.appointment_id].append(appointment)
    events = bench.sql("SELECT payload FROM scheduling.outbox WHERE business_id = %s", shop.business_id)
    published = {(a.appointment_id, a.version): a for a in (decode_event(row[0]).appointment for row in events)}
    assert len(events) == len(told) > CLIENTS
    for versions in history.values():
        assert [each.version for each in versions] == list(range(1, len(versions) + 1))
        assert all(published[each.appointment_id, each.version] == each for each in versions)
    latest = {versions[-1].appointment_id: versions[-1] for versions in history.values()}
    booked = {each.appointment_id: each for each in standing(shop)}
    assert booked == {key: each for key, each in latest.items() if each.status == "booked"}
