"""What the model knows: two databases, what is on its way between them, the record of the move, who is doing what.

Everything is a value, so that a state can be remembered. `A` is the in-process side and `B` the service's.
"""

from typing import Final, Literal, NamedTuple

from monolith.cutover.states import State

Place = Literal["A", "B"]
PLACES: Final[tuple[Place, Place]] = ("A", "B")
KEYS: Final = ("k", "l")
"""Idempotency keys: one client's request each, which may be repeated anywhere, at any time."""


class Lease(NamedTuple):
    active: bool
    epoch: int
    attempt: int


class Held(NamedTuple):
    """One database. `mark` is the latest fence mark it has; `sent` is on its way to the other, in the order of commits:
    keys, and marks as numbers."""

    lease: Lease
    data: frozenset[str]
    mark: int
    sent: tuple[str | int, ...]


class Move(NamedTuple):
    """The row of the record. `overdue`: the fence's deadline has passed."""

    state: State
    source: Place
    epoch: int
    attempt: int
    overdue: bool
    settled: bool


class Doing(NamedTuple):
    """What a controller is about to do: it has looked at the row, maybe long ago."""

    step: str
    move: Move


class Writing(NamedTuple):
    """A client's request at a database. `phase`: `locked` (it has the lock, shared), `allowed` (and saw the lease)."""

    key: str
    at: Place
    phase: str


class World(NamedTuple):
    a: Held
    b: Held
    owner: Place
    epoch: int
    moves_left: int
    move: Move | None
    controllers: tuple[Doing | None, Doing | None]
    writer: Writing | None
    executed: tuple[tuple[str, int], ...]
    """How often each key was executed, wherever."""
    acknowledged: frozenset[str]

    def at(self, place: Place) -> Held:
        return self.a if place == "A" else self.b

    def with_at(self, place: Place, held: Held) -> "World":
        return self._replace(a=held) if place == "A" else self._replace(b=held)


def other(place: Place) -> Place:
    return "B" if place == "A" else "A"


def first(moves: int) -> World:
    """The business is owned and written at A; `moves` may be begun, there and back in turns."""
    nothing: frozenset[str] = frozenset()
    return World(
        a=Held(Lease(True, 1, 0), nothing, 0, ()),
        b=Held(Lease(False, 0, 0), nothing, 0, ()),
        owner="A",
        epoch=1,
        moves_left=moves,
        move=None,
        controllers=(None, None),
        writer=None,
        executed=tuple((key, 0) for key in KEYS),
        acknowledged=nothing,
    )
