"""Visit every reachable state breadth first, and report the first violated invariant with a shortest trace."""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from tests.cutover.model.protocol import Flaws, active_databases, steps
from tests.cutover.model.world import World, first, other

NONE = Flaws()
_DRAINED = frozenset({"drained", "verified", "decided", "active"})


class Result(NamedTuple):
    """`violated` is None when every invariant holds; otherwise `trace` leads to the state that violates it."""

    states: int
    violated: str | None
    trace: tuple[str, ...]


def check(flaws: Flaws = NONE, *, moves: int = 2) -> Result:
    """Check every state that `moves` cutovers can reach.

    Safety: at most one active lease; acknowledged writes are present where a lease is active; no key is executed twice;
    nothing is drained or decided that the target lacks. Liveness: from every state a settled cutover with exactly one
    active lease is reachable.
    """
    start = first(moves)
    came_from: dict[World, tuple[World, str] | None] = {start: None}
    before: dict[World, list[World]] = {}
    waiting = deque([start])
    while waiting:
        world = waiting.popleft()
        violated = violated_in(world)
        if violated is not None:
            return Result(len(came_from), violated, _trace_to(world, came_from))
        for name, after in steps(world, flaws):
            if after == world:
                continue
            before.setdefault(after, []).append(world)
            if after not in came_from:
                came_from[after] = (world, name)
                waiting.append(after)
    stuck = _first_stuck(came_from, before)
    if stuck is not None:
        return Result(
            len(came_from), "no settled cutover with one active lease is reachable", _trace_to(stuck, came_from)
        )
    return Result(len(came_from), None, ())


def violated_in(world: World) -> str | None:
    active = active_databases(world)
    if len(active) > 1:
        return "two active leases"
    if any(times > 1 for _, times in world.executed):
        return "a key was executed twice"
    for database in active:
        if not world.acknowledged <= world.at(database).data:
            return "an acknowledged write is missing at the active lease"
    move = world.move
    if move is not None and move.state in _DRAINED:
        target = world.at(other(move.source))
        if move.state != "active" and not world.at(move.source).data <= target.data:
            return "the target lacks a drained change"
    return None


def is_settled(world: World) -> bool:
    """Whether no controller has work left and exactly one lease is active."""
    return (
        (world.move is None or world.move.settled)
        and len(active_databases(world)) == 1
        and world.controllers == (None, None)
    )


def _first_stuck(came_from: Mapping[World, object], before: Mapping[World, list[World]]) -> World | None:
    """Return the first state from which no settled state is reachable."""
    able = {world for world in came_from if is_settled(world)}
    waiting = deque(able)
    while waiting:
        for world in before.get(waiting.popleft(), ()):
            if world not in able:
                able.add(world)
                waiting.append(world)
    return next((world for world in came_from if world not in able), None)


def _trace_to(world: World, came_from: dict[World, tuple[World, str] | None]) -> tuple[str, ...]:
    names = []
    step = came_from[world]
    while step is not None:
        world, name = step
        names.append(name)
        step = came_from[world]
    return tuple(reversed(names))
