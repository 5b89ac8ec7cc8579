"""An admission queue with waiting requests."""

from collections.abc import Iterable

from contracts.chassis.admission import AdmissionQueue, Priority, RequestClass, Ticket
from tests.unit.clock import Clock

TARGET = 0.25


def search(tenant: str) -> RequestClass:
    return RequestClass(Priority.SEARCH, tenant, shared=True)


def book(tenant: str) -> RequestClass:
    return RequestClass(Priority.BOOK, tenant, shared=True)


def read(tenant: str) -> RequestClass:
    return RequestClass(Priority.OTHER, tenant, shared=True)


def queue_of(clock: Clock, places: int, waiting: Iterable[RequestClass] = ()) -> AdmissionQueue[RequestClass]:
    """Return a queue with waiting requests, whose tenants are known to exist."""
    queue, kinds = AdmissionQueue[RequestClass](places, target=TARGET, now=clock), list(waiting)
    for tenant in {kind.tenant for kind in kinds} - {""}:
        prove_existence(queue, tenant)
    for each in kinds:
        queue.add(each, each)
    return queue


def prove_existence(queue: AdmissionQueue[RequestClass], tenant: str) -> None:
    queue.add(book(tenant), book(tenant))
    ticket = queue.start_next()
    assert ticket is not None
    ticket.tenant_exists = True
    queue.finished(ticket)


def start_all(queue: AdmissionQueue[RequestClass]) -> list[Ticket[RequestClass]]:
    """Start what may start now."""
    started = []
    while (ticket := queue.start_next()) is not None:
        started.append(ticket)
    return started
