"""The states of a move, and which may follow which: one table for the record, the controller and the model check."""

from typing import Final, Literal, get_args

State = Literal["replicating", "ready", "fenced", "drained", "verified", "decided", "active", "aborted"]

STATES: Final[tuple[State, ...]] = get_args(State)

FOLLOWS: Final[dict[State, State]] = {
    "replicating": "ready",
    "ready": "fenced",
    "fenced": "drained",
    "drained": "verified",
    "verified": "decided",
    "decided": "active",
}
"""What each state leads to when all goes well.

replicating: both sides are compared while the business is served.
ready: every guard rail holds. Whether the source is fenced is open from here on.
fenced: the fence is wanted, and has a deadline; the source's lease may be off.
drained: the target holds everything that the source ever committed.
verified: what changed lately is the same on both sides.
decided: the target owns the business. Nothing goes back behind this.
active: the target's lease is on, and the move is over.
aborted: the source owns the business as before; over as soon as its lease is known to be on.
"""

ABORTABLE: Final[frozenset[State]] = frozenset({"replicating", "ready", "fenced", "drained", "verified"})
"""Before the decision, anything that goes wrong leads to `aborted`; after it, to `active` and nowhere else."""

MAY_BE_FENCED: Final[frozenset[State]] = frozenset({"fenced", "drained", "verified"})
"""In these the source may not be writable, so they end at the deadline."""

OVER: Final[frozenset[State]] = frozenset({"active", "aborted"})
