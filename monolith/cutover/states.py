"""The states of a cutover and their transitions, shared by the store, the controller and the protocol model."""

from typing import Final, Literal, get_args

State = Literal["replicating", "ready", "fenced", "drained", "verified", "decided", "active", "aborted"]

STATES: Final[tuple[State, ...]] = get_args(State)

FOLLOWS: Final[dict[State, State]] = {
    "replicating": "ready",
    "ready": "fenced",
    "fenced": "decided",
    "drained": "decided",
    "verified": "decided",
    "decided": "active",
}
"""The successor of each state when every step succeeds.

replicating: both databases are compared while the business is in use.
ready: every preflight check passed.
fenced: the fence is requested and has a deadline; the source's lease may be inactive from here on.
drained: the target holds everything that the source ever committed.
verified: recent changes are equal in both databases.
decided: the target owns the business; this is the point of no return.
active: the target's lease is active, and the cutover is over.
aborted: the source still owns the business; settled as soon as its lease is known to be active.

`drained` and `verified` are steps of the controller's memory, recorded by the transaction of the decision. Only a
cutover of release 0.2.0 or earlier is stored in one of these states; it is resumed like a fenced one.
"""

ABORTABLE: Final[frozenset[State]] = frozenset({"replicating", "ready", "fenced", "drained", "verified"})
"""The states before the decision: every failure leads to `aborted`. After the decision only `active` follows."""

MAY_BE_FENCED: Final[frozenset[State]] = frozenset({"fenced", "drained", "verified"})
"""The states in which the source may be fenced; they end at the deadline."""

OVER: Final[frozenset[State]] = frozenset({"active", "aborted"})
