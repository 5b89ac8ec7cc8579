"""How `extraction flag set` moves businesses that exist."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import click
from uuid_utils.compat import uuid7

from contracts.scheduling.values import DatabaseName
from deploy.cli.cutover import in_words, pause_ms
from deploy.cli.guard_options import Guarding
from deploy.errors import CommandError
from deploy.moving import Moving, open_moving
from deploy.operations import Operations
from monolith.cutover import verification
from monolith.cutover.batches import BatchOutcome, Verdict, cut_over_in_batches
from monolith.cutover.controller import CutoverRefused
from monolith.cutover.databases import other_database
from monolith.cutover.preflight import store_findings
from monolith.cutover.store.cutovers import Cutover, CutoverInProgress, SourceNotOwner
from monolith.cutover.store.rollback_policies import latest_policy, start_policy
from monolith.shared.endpoints import BusinessRef
from monolith.shared.flags.scheduling_flag import ADAPTER_FOR, DEFAULT
from monolith.shared.flags.store import SCHEDULING_ADAPTER

FLAG_FOLLOWED_SECONDS = 1.0
"""How long the processes may take to follow a changed flag."""


@dataclass(frozen=True)
class Order:
    """What an operator asked for. `guarding` None: no way back of its own accord. All of `businesses` are owned by the
    other side."""

    target: DatabaseName
    wave: int
    fence_seconds: float
    actor: str
    reason: str
    guarding: Guarding | None = None
    businesses: Sequence[BusinessRef] = ()

    def slug(self, business_id: UUID) -> str:
        return next(each.slug for each in self.businesses if each.business_id == business_id)


def move_chosen(move: Callable[[Moving, Order], None], order: Order, businesses: Sequence[BusinessRef]) -> bool:
    """Whether there were any. Connects to both databases only then."""
    if businesses:
        with open_moving() as moving:
            move(moving, replace(order, businesses=businesses))
    return bool(businesses)


def make_default(operations: Operations, order: Order, left: Callable[[], Sequence[BusinessRef]]) -> str:
    """After every business was moved: create new ones at the target too, and return the default that it replaces.

    Moves the businesses that were created at the source meanwhile. When that fails, the default is as before.
    """
    adapter = ADAPTER_FOR[order.target]
    before = set_default(operations, adapter, order.actor, order.reason)
    if before == adapter:
        return before
    try:
        time.sleep(FLAG_FOLLOWED_SECONDS)
        move_chosen(partial(carry_out, operations), order, left())
    except BaseException:
        set_default(operations, before, order.actor, "not every business could be moved; the default is as before")
        raise
    return before


def set_default(operations: Operations, adapter: str, actor: str, reason: str) -> str:
    """Create new businesses through `adapter` from now on, and return the default that it replaces."""
    before = operations.flags.set(SCHEDULING_ADAPTER, adapter, business_id=None, actor=actor, reason=reason)
    return before or DEFAULT


def carry_out(operations: Operations, moving: Moving, order: Order) -> None:
    """Move the businesses; each one's flag follows when it has moved, so that a refusal leaves the flag as it was.

    Raises CommandError, which names the business, when one could not be moved.
    """
    source = other_database(order.target)

    def move(business_id: UUID) -> Cutover:
        try:
            moved = moving.controller.cut_over(
                business_id,
                source,
                order.target,
                fence_seconds=order.fence_seconds,
                actor=order.actor,
                reason=order.reason,
            )
        except CutoverInProgress as error:
            raise CommandError(
                f"{order.slug(business_id)} is being moved already: see `extraction cutover status`"
            ) from error
        except SourceNotOwner as error:
            raise CommandError(f"{order.slug(business_id)} was moved by somebody else meanwhile") from error
        _say(moved, order.slug(business_id))
        if moved.state == "active":
            _accept(operations, moving, order, moved)
        return moved

    outcome = cut_over_in_batches(
        [each.business_id for each in order.businesses], order.wave, move, lambda each: _compared(moving, order, each)
    )
    _conclude(order, outcome)


def _accept(operations: Operations, moving: Moving, order: Order, moved: Cutover) -> None:
    """Set the business's flag, then its guard, which may set the flag back."""
    operations.flags.set(
        SCHEDULING_ADAPTER,
        ADAPTER_FOR[order.target],
        business_id=moved.business_id,
        actor=order.actor,
        reason=order.reason,
    )
    if order.guarding is not None:
        start_policy(moving.platform, moved, order.guarding.bound, watch_seconds=order.guarding.watch_seconds)


def rehearse(moving: Moving, order: Order) -> None:
    """Every check, and no move; says how long the pause would be."""
    source = other_database(order.target)
    for business in order.businesses:
        move = _imagined(order, business.business_id, source)
        here, there = moving.controller.at(source), moving.controller.at(order.target)
        try:
            checked = moving.guards.check_before_fence(move, here, there)
            began = time.monotonic()
            moving.guards.check_inside_fence(move, here, there, checked.compared_from)
        except CutoverRefused as refusal:
            raise CommandError(f"{business.slug} would not be moved: {refusal}") from refusal
        verify_ms = (time.monotonic() - began) * 1000
        # Besides: the fence, its mark's way, and four transitions on the record, each about as long as a commit there.
        commit_ms = _commit_ms(moving)
        pause = checked.found["canary_ms"]["there"] + verify_ms + 6 * commit_ms
        click.echo(f"{business.slug}: ready to move to {order.target}; writes would wait about {pause:.0f} ms")


def _compared(moving: Moving, order: Order, business_id: UUID) -> Verdict:
    """The whole business again, from its new owner's side; which still is its owner."""
    guard = latest_policy(moving.platform, business_id) if order.guarding is not None else None
    if guard is not None and guard.outcome == "returned":
        return f"it went back to {guard.home} by itself: see `extraction cutover status`"
    here, there = moving.controller.at(order.target), moving.controller.at(other_database(order.target))
    findings = verification.compare(here, there, business_id)
    store_findings(moving.platform, business_id, findings)
    if findings.equal:
        return None
    first = findings.differences[0]
    return f"the two sides differ since the move ({first.table} {first.key}: {first.what}); see `extraction verify`"


def _conclude(order: Order, outcome: BatchOutcome) -> None:
    if order.guarding is not None and outcome.moved:
        click.echo(f"guarded for {order.guarding.watch_seconds / 60:g} minutes: {in_words(order.guarding.bound)}")
    if outcome.stopped_by is None:
        if len(outcome.moved) > 1:
            click.echo(f"{len(outcome.moved)} businesses moved to {order.target} and compared")
        return
    business_id, why = outcome.stopped_by
    rest = f"; {len(outcome.left)} more were not tried" if outcome.left else ""
    done = f"{len(outcome.moved)} moved, " if outcome.moved else ""
    raise CommandError(f"{done}then {order.slug(business_id)} stopped it: {why}{rest}")


def _say(move: Cutover, slug: str) -> None:
    pause = pause_ms(move)
    if move.state == "active":
        waited = "" if pause is None else f"; writes waited at most {pause:.0f} ms"
        click.echo(f"{slug}: {move.source} -> {move.target}{waited}")


def _imagined(order: Order, business_id: UUID, source: DatabaseName) -> Cutover:
    return Cutover(
        cutover_id=uuid7(),
        business_id=business_id,
        source=source,
        target=order.target,
        epoch=0,
        attempt=0,
        state="replicating",
        fence_seconds=order.fence_seconds,
        deadline_at=None,
        compared_from=None,
        actor=order.actor,
        reason=order.reason,
        problem=None,
        steps=[],
        began_at=datetime.now(UTC),
        settled_at=None,
    )


def _commit_ms(moving: Moving) -> float:
    """One transaction that writes nothing but must be flushed."""
    began = time.monotonic()
    with moving.platform.transaction():
        moving.platform.execute("SELECT pg_current_xact_id()")
    return (time.monotonic() - began) * 1000
