"""Visits every state that can be reached, and says which promise is broken first, by the shortest way."""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from tests.cutover.model.protocol import Flaws, place_of, steps
from tests.cutover.model.world import World, first, other

NONE = Flaws()
_DRAINED = frozenset({"drained", "verified", "decided", "active"})


class Result(NamedTuple):
    """`broken` is None when every promise holds; else `trace` leads to the state that breaks it."""

    states: int
    broken: str | None
    trace: tuple[str, ...]


def check(flaws: Flaws = NONE, *, moves: int = 2) -> Result:
    """Exhaustively, breadth first. Promises of every state: one active lease at most; what was acknowledged stands
    where a lease is on; no key is executed twice; nothing is drained, or decided, that the target does not have. And of
    every state: there is a way on to a settled move and exactly one active lease."""
    start = first(moves)
    came_from: dict[World, tuple[World, str] | None] = {start: None}
    before: dict[World, list[World]] = {}
    waiting = deque([start])
    while waiting:
        world = waiting.popleft()
        broken = broken_in(world)
        if broken is not None:
            return Result(len(came_from), broken, _way_to(world, came_from))
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
            len(came_from), "there is no way on to a settled move and one active lease", _way_to(stuck, came_from)
        )
    return Result(len(came_from), None, ())


def broken_in(world: World) -> str | None:
    active = place_of(world)
    if len(active) > 1:
        return "two active leases"
    if any(times > 1 for _, times in world.executed):
        return "a key was executed twice"
    for place in active:
        if not world.acknowledged <= world.at(place).data:
            return "an acknowledged write is missing where the business is written"
    move = world.move
    if move is not None and move.state in _DRAINED:
        target = world.at(other(move.source))
        if move.state != "active" and not world.at(move.source).data <= target.data:
            return "something is drained that the target does not have"
    return None


def is_settled(world: World) -> bool:
    """Nobody has anything left to do, and one database writes the business."""
    return (
        (world.move is None or world.move.settled) and len(place_of(world)) == 1 and world.controllers == (None, None)
    )


def _first_stuck(came_from: Mapping[World, object], before: Mapping[World, list[World]]) -> World | None:
    """The earliest state from which no settled one can be reached."""
    able = {world for world in came_from if is_settled(world)}
    waiting = deque(able)
    while waiting:
        for world in before.get(waiting.popleft(), ()):
            if world not in able:
                able.add(world)
                waiting.append(world)
    return next((world for world in came_from if world not in able), None)


def _way_to(world: World, came_from: dict[World, tuple[World, str] | None]) -> tuple[str, ...]:
    names = []
    step = came_from[world]
    while step is not None:
        world, name = step
        names.append(name)
        step = came_from[world]
    return tuple(reversed(names))
