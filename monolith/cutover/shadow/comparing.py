"""One read on both sides: the same, different, or not to be told. What differs is asked again, after a pause."""

import time
from dataclasses import dataclass
from typing import Literal

from monolith.cutover.shadow.asking import NoAnswer, Ports, Read, as_compared, ask
from monolith.cutover.shadow.examples import Example, example_of

CANDIDATE_SECONDS = 1.0
PAUSE_SECONDS = 1.0
"""Replication takes some 10 ms, 35 ms at the worst that was measured; half a second on a machine that is overrun."""

Outcome = Literal["same", "different", "failed", "dropped", "unsettled"]
"""`failed`: the candidate gave no answer. `dropped`: there was no room for it. `unsettled`: the owner's own answer
changed meanwhile, and the candidate's was neither."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`seconds` is what the candidate took; `problem` says why it failed."""

    outcome: Outcome
    seconds: float = 0.0
    example: Example | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """The sides differ: to be looked at again when it is `due`, by the monotonic clock."""

    read: Read
    owner: bytes
    seconds: float
    due: float


class Comparing:
    """Asks through ports of its own, so that a candidate that hangs takes no place from users. No look takes longer
    than its two calls, and none raises, whatever the sides do."""

    def __init__(
        self, ports: Ports, *, candidate_seconds: float = CANDIDATE_SECONDS, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._ports = ports
        self._candidate_seconds = candidate_seconds
        self._pause_seconds = pause_seconds

    def first_look(self, read: Read) -> Finding | Doubt:
        began = time.perf_counter()
        try:
            candidate = ask(self._ports[read.candidate], read, self._candidate_seconds)
        except NoAnswer as none:
            return Finding("failed", problem=str(none))
        seconds = time.perf_counter() - began
        owner = as_compared(read.answer)
        if candidate == owner:
            return Finding("same", seconds)
        return Doubt(read, owner, seconds, time.monotonic() + self._pause_seconds)

    def second_look(self, doubt: Doubt) -> Finding:
        """What the owner said both before the pause and after it, the candidate must say after it."""
        read = doubt.read
        try:
            candidate = ask(self._ports[read.candidate], read, self._candidate_seconds)
        except NoAnswer as none:
            return Finding("failed", problem=str(none))
        if candidate == doubt.owner:
            return Finding("same", doubt.seconds)
        try:
            owner = ask(self._ports[read.owner], read, self._candidate_seconds)
        except NoAnswer:
            return Finding("unsettled")
        if candidate == owner:
            return Finding("same", doubt.seconds)
        if owner != doubt.owner:
            return Finding("unsettled")
        return Finding("different", doubt.seconds, example_of(read, owner, candidate))
