"""Every possible next step. Each is atomic, like the transaction or lock that it models.

A crash is a controller that drops its intent; a delay is one that acts on it much later. `Flaws` breaks the protocol
on purpose, in one way each, which the check must detect.
"""

from collections.abc import Iterator
from typing import NamedTuple

from monolith.cutover.states import ABORTABLE, FOLLOWS, MAY_BE_FENCED
from tests.cutover.model.world import (
    KEYS,
    ClientWrite,
    Database,
    DatabaseState,
    Intent,
    Lease,
    ModelCutover,
    World,
    other,
)

Step = tuple[str, World]


class Flaws(NamedTuple):
    mark_before_lock: bool = False
    """The watermark is taken while transactions are still open."""
    decide_without_swap: bool = False
    """The decision does not check that the cutover was not aborted."""
    release_ignores_attempts: bool = False
    activate_ignores_epochs: bool = False
    late_fence_counts: bool = False
    """A fence does not check that its attempt was not released."""
    lease_before_lock: bool = False
    """A writer reads the lease, then waits for the lock."""
    abort_after_decision: bool = False


def steps(world: World, flaws: Flaws) -> Iterator[Step]:
    yield from _begin(world)
    if world.move is not None and not world.move.settled:
        yield from _time_passes(world, world.move)
        for number, intent in enumerate(world.controllers):
            if intent is None:
                yield f"controller {number} reads the cutover", _with(world, number, _intent(world.move))
        yield from _anyone_aborts(world, world.move, flaws)
    for number, intent in enumerate(world.controllers):
        if intent is not None:
            yield f"controller {number} crashes", _with(world, number, None)
            for name, after in _act(world, intent, flaws):
                yield f"controller {number}: {name}", _with(after, number, None)
            for name, after, next_step in _inside_fence(world, intent, flaws):
                yield f"controller {number}: {name}", _with(after, number, Intent(next_step, intent.move))
    yield from _deliver(world)
    yield from _write(world, flaws)


def _begin(world: World) -> Iterator[Step]:
    if world.moves_left and (world.move is None or world.move.settled):
        attempt = 1 if world.move is None else world.move.attempt + 1
        move = ModelCutover("replicating", world.owner, world.epoch, attempt, overdue=False, settled=False)
        yield f"a cutover from {world.owner} begins", world._replace(move=move, moves_left=world.moves_left - 1)


def _time_passes(world: World, move: ModelCutover) -> Iterator[Step]:
    if move.state in MAY_BE_FENCED and not move.overdue:
        yield "the deadline passes", world._replace(move=move._replace(overdue=True))


def _anyone_aborts(world: World, move: ModelCutover, flaws: Flaws) -> Iterator[Step]:
    if move.state in ABORTABLE or (flaws.abort_after_decision and move.state == "decided"):
        yield "an operator aborts", world._replace(move=move._replace(state="aborted"))


def _intent(move: ModelCutover) -> Intent:
    """Return the action for the state, like the controller's table."""
    steps = {"decided": "activate", "aborted": "release", **dict.fromkeys(MAY_BE_FENCED, "fence")}
    return Intent(steps.get(move.state, FOLLOWS.get(move.state, "")), move)


def _act(world: World, intent: Intent, flaws: Flaws) -> Iterator[Step]:
    """Act on a database at once; change the row only if it is still as seen."""
    step, seen = intent
    if step == "activate":
        after = _activate(world, seen, flaws)
        yield "activates", _advance(after, seen)
    elif step == "release":
        after = _release(world, seen, flaws)
        yield "releases", _settle_aborted(after, seen)
    elif step == "decided":
        yield "decides", _decide(world, seen, flaws)
    elif step in FOLLOWS.values():
        yield f"advances to {step}", _advance(world, seen)
    # A process may also stop between the two parts of a step.
    if step == "activate":
        yield "activates and stops", _activate(world, seen, flaws)
    if step == "release":
        yield "releases and stops", _release(world, seen, flaws)


def _inside_fence(world: World, intent: Intent, flaws: Flaws) -> Iterator[tuple[str, World, str]]:
    """Fence, then wait for the watermark at the target; each step with the next one, which is not stored.

    The fence takes the lock exclusively, so not while a source writer is open. It is void for a released attempt.
    """
    step, seen = intent
    source = world.at(seen.source)
    if step == "drain" and world.at(other(seen.source)).mark >= seen.attempt:
        yield "has drained", world, "decided"
    if step != "fence":
        return
    writer = world.writer
    open_there = writer is not None and writer.at == seen.source and writer.phase in ("locked", "allowed")
    if flaws.mark_before_lock and open_there and source.mark < seen.attempt and source.lease.active:
        marked = source._replace(mark=seen.attempt, sent=(*source.sent, seen.attempt))
        yield "takes the position", world.with_at(seen.source, marked), "fence"
    fenced = _fenced(source, seen, flaws)
    if not open_there and fenced.lease == Lease(False, seen.epoch, seen.attempt):
        yield "fences", world.with_at(seen.source, fenced), "drain"


def _fenced(source: DatabaseState, seen: ModelCutover, flaws: Flaws) -> DatabaseState:
    lease = source.lease
    in_time = lease.attempt < seen.attempt or (flaws.late_fence_counts and lease.attempt <= seen.attempt)
    if lease.epoch != seen.epoch or not lease.active or not in_time:
        return source
    fenced = source._replace(lease=Lease(False, lease.epoch, seen.attempt))
    if fenced.mark >= seen.attempt:
        return fenced
    return fenced._replace(mark=seen.attempt, sent=(*source.sent, seen.attempt))


def _release(world: World, seen: ModelCutover, flaws: Flaws) -> World:
    source = world.at(seen.source)
    lease = source.lease
    if lease.epoch != seen.epoch or (lease.attempt > seen.attempt and not flaws.release_ignores_attempts):
        return world
    return world.with_at(seen.source, source._replace(lease=Lease(True, lease.epoch, max(lease.attempt, seen.attempt))))


def _activate(world: World, seen: ModelCutover, flaws: Flaws) -> World:
    target = other(seen.source)
    held = world.at(target)
    if held.lease.epoch >= seen.epoch + 1 and not flaws.activate_ignores_epochs:
        return world
    return world.with_at(target, held._replace(lease=Lease(True, seen.epoch + 1, seen.attempt)))


def _advance(world: World, seen: ModelCutover) -> World:
    """A compare-and-swap on the row. After the deadline a state that may be fenced does not advance."""
    move = world.move
    if move is None or (move.state, move.attempt) != (seen.state, seen.attempt):
        return world
    if move.overdue and move.state in MAY_BE_FENCED:
        return world
    following = FOLLOWS[seen.state]
    return world._replace(move=move._replace(state=following, settled=following == "active"))


def _decide(world: World, seen: ModelCutover, flaws: Flaws) -> World:
    move = world.move
    if move is None or move.attempt != seen.attempt:
        return world
    if not flaws.decide_without_swap and (move.state not in MAY_BE_FENCED or move.overdue):
        return world
    return world._replace(
        move=move._replace(state="decided", settled=False), owner=other(seen.source), epoch=seen.epoch + 1
    )


def _settle_aborted(world: World, seen: ModelCutover) -> World:
    move = world.move
    if move is None or (move.state, move.attempt) != ("aborted", seen.attempt):
        return world
    return world._replace(move=move._replace(settled=True))


def _deliver(world: World) -> Iterator[Step]:
    """Replicate the next commit of a database to the other, in commit order."""
    for database in ("A", "B"):
        here = world.at(database)
        if here.sent:
            head, *rest = here.sent
            there = world.at(other(database))
            there = (
                there._replace(mark=max(there.mark, head))
                if isinstance(head, int)
                else there._replace(data=there.data | {head})
            )
            delivered = world.with_at(database, here._replace(sent=tuple(rest))).with_at(other(database), there)
            yield f"{head} arrives from {database}", delivered


def _write(world: World, flaws: Flaws) -> Iterator[Step]:
    """A client sends its request along any route, and repeats it after a lost reply."""
    writer = world.writer
    if writer is None:
        for key in KEYS:
            for database in ("A", "B"):
                phase = "locked"
                if flaws.lease_before_lock:
                    if not world.at(database).lease.active:
                        continue
                    phase = "allowed, not locked"
                yield f"{key} is requested at {database}", world._replace(writer=ClientWrite(key, database, phase))
        return
    if writer.phase == "locked":
        allowed = world.at(writer.at).lease.active
        after = writer._replace(phase="allowed") if allowed else None
        yield f"{writer.key} sees the lease at {writer.at}", world._replace(writer=after)
    else:
        yield f"{writer.key} commits at {writer.at}", _committed(world, writer)._replace(writer=None)
    yield f"{writer.key} gives up", world._replace(writer=None)


def _committed(world: World, writer: ClientWrite) -> World:
    """Execute the key once; a repetition gets the stored reply."""
    here = world.at(writer.at)
    world = world._replace(acknowledged=world.acknowledged | {writer.key})
    if writer.key in here.data:
        return world
    executed = tuple((key, times + (key == writer.key)) for key, times in world.executed)
    written = here._replace(data=here.data | {writer.key}, sent=(*here.sent, writer.key))
    return world.with_at(writer.at, written)._replace(executed=executed)


def _with(world: World, number: int, intent: Intent | None) -> World:
    one, another = world.controllers
    return world._replace(controllers=(intent, another) if number == 0 else (one, intent))


def active_databases(world: World) -> list[Database]:
    """Return the databases with an active lease."""
    found: list[Database] = []
    for database in ("A", "B"):
        found += [database] if world.at(database).lease.active else []
    return found
