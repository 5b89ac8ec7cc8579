"""The checker finds an order where there is one, and none where there is none."""

from uuid import UUID, uuid4

import pytest

from tests.linearizability import linearization
from tests.slot_history import Book, Cancel, Look, SlotEffect, SlotOperation, slot_operation

A, B = uuid4(), uuid4()

Timed = tuple[SlotEffect, float, float]


def _history(*operations: Timed) -> list[SlotOperation]:
    return [slot_operation(effect, invoked, returned) for effect, invoked, returned in operations]


def _booked(appointment_id: UUID) -> Book:
    return Book(appointment_id.hex, appointment_id)


REFUSED, UNKNOWN = Book("refused", None), Book("unknown", None, unknown=True)

LINEARIZABLE: dict[str, list[Timed]] = {
    "nothing": [],
    "a refusal during the booking that caused it": [(_booked(A), 0, 10), (REFUSED, 1, 2)],
    "booked again after a concurrent cancellation": [(_booked(A), 0, 1), (Cancel(A, True), 2, 9), (_booked(B), 3, 4)],
    "a second cancellation is refused": [(_booked(A), 0, 1), (Cancel(A, True), 2, 3), (Cancel(A, False), 4, 5)],
    "a refusal by a booking of unknown outcome": [(UNKNOWN, 0, 1), (REFUSED, 2, 3)],
    "an unknown booking that never happened": [(UNKNOWN, 0, 1), (_booked(A), 2, 3)],
    "an unknown booking that happened much later": [(UNKNOWN, 0, 1), (Look(True), 2, 3), (Look(False), 4, 5)],
    "an unknown cancellation": [(_booked(A), 0, 1), (Cancel(A, True, unknown=True), 2, 3), (_booked(B), 4, 5)],
}

NOT_LINEARIZABLE: dict[str, list[Timed]] = {
    "booked twice": [(_booked(A), 0, 1), (_booked(B), 2, 3)],
    "booked twice at once": [(_booked(A), 0, 3), (_booked(B), 1, 2)],
    "refused although free": [(REFUSED, 0, 1)],
    "refused before the booking was requested": [(REFUSED, 0, 1), (_booked(A), 2, 3)],
    "lost booking": [(_booked(A), 0, 1), (Look(True), 2, 3)],
    "listed as free before the cancellation was requested": [
        (_booked(A), 0, 1),
        (Look(True), 2, 3),
        (Cancel(A, True), 4, 5),
    ],
    "cancelled twice": [(_booked(A), 0, 1), (Cancel(A, True), 2, 5), (Cancel(A, True), 3, 4)],
    "one unknown booking explains only one state": [(UNKNOWN, 0, 1), (Look(False), 2, 3), (Look(True), 4, 5)],
}


@pytest.mark.parametrize("history", LINEARIZABLE.values(), ids=LINEARIZABLE)
def test_possible_history_has_an_order(history: list[Timed]) -> None:
    operations = _history(*history)
    order = linearization(operations, None)
    assert order is not None
    assert {operation.text for operation in operations if operation.is_known} <= {each.text for each in order}


@pytest.mark.parametrize("history", NOT_LINEARIZABLE.values(), ids=NOT_LINEARIZABLE)
def test_impossible_history_has_none(history: list[Timed]) -> None:
    assert linearization(_history(*history), None) is None
