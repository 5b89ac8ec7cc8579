"""A state of the model: two databases, changes in transit, the cutover's row, and the controllers' intents.

All types are immutable and hashable. `A` is the monolith's database and `B` the service's.
"""

from typing import Final, Literal, NamedTuple

from monolith.cutover.states import State

Database = Literal["A", "B"]
DATABASES: Final[tuple[Database, Database]] = ("A", "B")
KEYS: Final = ("k", "l")
"""Idempotency keys, each of one client request that may be repeated in either database at any time."""


class Lease(NamedTuple):
    active: bool
    epoch: int
    attempt: int


class DatabaseState(NamedTuple):
    """One database. `mark` is its latest watermark.

    `sent` is in transit to the other database, in commit order: keys as text, watermarks as numbers.
    """

    lease: Lease
    data: frozenset[str]
    mark: int
    sent: tuple[str | int, ...]


class ModelCutover(NamedTuple):
    """The cutover's row. `overdue`: the fence's deadline has passed."""

    state: State
    source: Database
    epoch: int
    attempt: int
    overdue: bool
    settled: bool


class Intent(NamedTuple):
    """A controller's intent, from a read of the row that may be outdated. `drain` and `decided` follow a fence."""

    step: str
    move: ModelCutover


class ClientWrite(NamedTuple):
    """A client's write. `phase`: `locked` (holds the shared lock) or `allowed` (and has seen the lease)."""

    key: str
    at: Database
    phase: str


class World(NamedTuple):
    a: DatabaseState
    b: DatabaseState
    owner: Database
    epoch: int
    moves_left: int
    move: ModelCutover | None
    controllers: tuple[Intent | None, Intent | None]
    writer: ClientWrite | None
    executed: tuple[tuple[str, int], ...]
    """How often each key was executed, in both databases together."""
    acknowledged: frozenset[str]

    def at(self, database: Database) -> DatabaseState:
        return self.a if database == "A" else self.b

    def with_at(self, database: Database, held: DatabaseState) -> "World":
        return self._replace(a=held) if database == "A" else self._replace(b=held)


def other(database: Database) -> Database:
    return "B" if database == "A" else "A"


def first(moves: int) -> World:
    """Return the initial state: A owns the business, and `moves` cutovers may begin, in alternating directions."""
    nothing: frozenset[str] = frozenset()
    return World(
        a=DatabaseState(Lease(True, 1, 0), nothing, 0, ()),
        b=DatabaseState(Lease(False, 0, 0), nothing, 0, ()),
        owner="A",
        epoch=1,
        moves_left=moves,
        move=None,
        controllers=(None, None),
        writer=None,
        executed=tuple((key, 0) for key in KEYS),
        acknowledged=nothing,
    )
