"""The history of one slot of a provider: booked, cancelled and looked at by concurrent clients.

The state is the id of the appointment that occupies the slot, or None. An appointment whose id no client learned is
represented by the key of its booking.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tests.linearizability import NEVER, Operation

State = UUID | str | None


@dataclass(frozen=True)
class Book:
    """`result`: the appointment; None if the slot was refused as taken. `unknown` if no reply settled it."""

    key: str
    result: UUID | None
    unknown: bool = False

    def __call__(self, state: State, /) -> Iterable[State]:
        if self.unknown:
            return (self.key,) if state is None else ()
        if self.result is None:
            return () if state is None else (state,)
        return (self.result,) if state is None else ()


@dataclass(frozen=True)
class Cancel:
    """`done`: whether the appointment was cancelled by this call; otherwise it had ended before."""

    appointment_id: UUID
    done: bool
    unknown: bool = False

    def __call__(self, state: State, /) -> Iterable[State]:
        if self.unknown or self.done:
            return (None,) if state == self.appointment_id else ()
        return () if state == self.appointment_id else (state,)


@dataclass(frozen=True)
class Look:
    """`free`: whether a search listed the slot."""

    free: bool

    def __call__(self, state: State, /) -> Iterable[State]:
        return (state,) if self.free == (state is None) else ()


SlotEffect = Book | Cancel | Look
SlotOperation = Operation[State]


def slot_operation(effect: SlotEffect, invoked: float, returned: float) -> SlotOperation:
    """Return an operation; one of unknown outcome has not returned."""
    unknown = not isinstance(effect, Look) and effect.unknown
    return SlotOperation(str(effect), invoked, NEVER if unknown else returned, effect)
