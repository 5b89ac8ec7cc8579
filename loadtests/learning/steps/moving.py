"""Steps 6 to 8, the move: replication, shadow reads, the flip."""

from collections.abc import Sequence
from typing import Final

from contracts.scheduling.values import DatabaseName
from deploy.console.changes.cutover_changes import MoveBusiness
from deploy.console.changes.flag_changes import SetShadow
from deploy.console.changes.replication_changes import StartReplication
from deploy.console.changes.verification_changes import Verify
from deploy.console.pages.formatting import data_size
from deploy.demo_data import SLUG
from deploy.errors import CommandError
from loadtests.learning.commands import SendLoad
from loadtests.learning.steps.model import (
    LearningStep,
    LiveValue,
    ObservedSystem,
    Question,
    StepAction,
    StepCondition,
)
from monolith.cutover.replication.observer import DirectionObservation
from monolith.cutover.service import ControlPlane, write_pause_ms
from monolith.cutover.store.cutovers import Cutover

LAG: Final = "changes not replicated yet"
DIFFERENT: Final = "different replies in the last hour"


def describe_direction(each: DirectionObservation) -> str:
    """Describe one direction of replication in some words."""
    if not each.status.subscribed:
        return "not started"
    if each.copying:
        return f"copying, {each.copying.tables_ready} of {each.copying.tables} tables are ready"
    return "streaming" if each.status.streaming else "not streaming"


def _replication_values(observed: ObservedSystem) -> Sequence[LiveValue]:
    state = observed.extraction
    compared = {} if state is None else state.verifications
    equal = sum(each.equal for each in compared.values())
    subscribed = [each for each in observed.directions if each.status.subscribed]
    lag = sum(each.status.lag for each in subscribed)
    return [
        *(LiveValue(each.status.direction, describe_direction(each)) for each in observed.directions),
        LiveValue(LAG, data_size(lag) if subscribed else "nothing is replicated"),
        LiveValue("businesses compared", f"{len(compared)} of {len(observed.standings)}, {equal} equal"),
    ]


def _replication_conditions(observed: ObservedSystem, _: ControlPlane) -> Sequence[StepCondition]:
    state, directions = observed.extraction, observed.directions
    compared = {} if state is None else state.verifications
    owned = [each for each in observed.standings if each.owner is not None]
    missing = [each.slug for each in owned if each.business_id not in compared]
    different = [each.slug for each in owned if each.business_id in compared and not compared[each.business_id].equal]
    found = ", ".join(f"{each.status.direction}: {describe_direction(each)}" for each in directions)
    return [
        StepCondition(
            "Both directions are streaming.",
            bool(directions) and all(each.status.streaming and not each.copying for each in directions),
            found or "replication was not read yet",
        ),
        StepCondition(
            "Every business was compared row by row.",
            bool(owned) and not missing,
            f"not compared: {', '.join(missing)}" if missing else f"{len(owned)} were",
        ),
        StepCondition("No business differs.", not different, ", ".join(different)),
    ]


def _shadow_values(observed: ObservedSystem) -> Sequence[LiveValue]:
    found = observed.shadow()
    compared = sum(each.compared for each in found)
    timed = [each for each in found if each.owner_ms is not None and each.candidate_ms is not None]
    times = ", ".join(f"{each.operation} {each.owner_ms:.1f} and {each.candidate_ms:.1f} ms" for each in timed)
    return [
        LiveValue("replies compared in the last hour", f"{compared:,}"),
        LiveValue(DIFFERENT, str(sum(each.different for each in found))),
        LiveValue("failed or dropped comparisons", str(sum(each.failed + each.dropped for each in found))),
        LiveValue("mean time of owner and candidate", times or "no read was compared"),
    ]


def _shadow_conditions(_: ObservedSystem, plane: ControlPlane) -> Sequence[StepCondition]:
    found = plane.shadow_results.since(60)
    share = plane.shadow.read(plane.directory.slugs())
    compared = sum(each.compared for each in found)
    different = [each.operation for each in found if each.different]
    return [
        StepCondition(
            "Replies were compared in the last hour.",
            compared > 0,
            f"{compared} were, with {share.default} % of the reads: set a share, then search on the pages",
        ),
        StepCondition("No reply differed.", not different, f"see the latest difference of {', '.join(different)}"),
    ]


def moved(observed: ObservedSystem, source: DatabaseName) -> list[Cutover]:
    """Return the completed cutovers away from a database, newest first."""
    state = observed.extraction
    cutovers = [] if state is None else state.cutovers
    return [each for each in cutovers if each.state == "active" and each.settled_at and each.source == source]


def pause_towards(target: DatabaseName) -> str:
    """Return the label of the write pause in the latest cutover to a database."""
    return f"pause of writes in the latest cutover to {target}"


def cutover_values(observed: ObservedSystem, target: DatabaseName) -> list[LiveValue]:
    """Return the owners of the businesses, and the latest cutover to `target` with its states."""
    state = observed.extraction
    there = [] if state is None else [each for each in state.cutovers if each.target == target]
    slugs = {each.business_id: each.slug for each in observed.standings}
    owners = [LiveValue(f"owned by {name}", _names(observed.owned_by(name))) for name in ("monolith", "scheduling")]
    name, pause_name = f"latest cutover to {target}", pause_towards(target)
    if not there:
        return [*owners, LiveValue(name, "none yet"), LiveValue(pause_name, "none yet")]
    latest, pause = there[0], write_pause_ms(there[0])
    steps = " → ".join(step["state"] for step in latest.steps)
    return [
        *owners,
        LiveValue(name, f"{slugs.get(latest.business_id, 'a business')}: {steps}"),
        LiveValue(pause_name, "none" if pause is None else f"{pause:.0f} ms"),
    ]


def _flip_values(observed: ObservedSystem) -> Sequence[LiveValue]:
    return cutover_values(observed, "scheduling")


def _flip_conditions(observed: ObservedSystem, _: ControlPlane) -> Sequence[StepCondition]:
    done, state = moved(observed, "monolith"), observed.extraction
    under_way = [] if state is None else [each for each in state.cutovers if each.settled_at is None]
    broken = [each.slug for each in observed.standings if each.level == "broken"]
    return [
        StepCondition(
            "A business was moved from the monolith to scheduling.",
            bool(done),
            f"{len(done)} cutovers of the latest fifty were" if done else "no cutover in that direction was completed",
        ),
        StepCondition("No cutover is under way.", not under_way, f"{len(under_way)} are"),
        StepCondition("Every business is served.", not broken, ", ".join(broken)),
    ]


def move_from(source: DatabaseName, plane: ControlPlane, *, dry_run: bool = False, guard: bool = False) -> MoveBusiness:
    """Return the move of a business away from a database: the demo's own, or another. Raises CommandError."""
    owners = plane.directory.owners()
    slugs = sorted(
        slug for each, slug in plane.directory.slugs().items() if each in owners and owners[each].owner == source
    )
    if not slugs:
        raise CommandError(f"No business is owned by {source}, so that none can be moved away from it.")
    slug = SLUG if SLUG in slugs else slugs[0]
    target = plane.cutovers.partner_of(source)
    if target is None:
        raise CommandError(f"{source} replicates with no other database.")
    return MoveBusiness(slug=slug, target=target, dry_run=dry_run, guard=guard)


def _names(slugs: list[str]) -> str:
    return f"{len(slugs)}: {', '.join(slugs[:6])}{' and others' if len(slugs) > 6 else ''}" if slugs else "0"


REPLICATION: Final = LearningStep(
    slug="replication",
    title="Replication",
    minutes=10,
    question=Question("While nothing is booked, how many bytes are not replicated yet?", LAG),
    do=("Run `extraction replicate start`.", "Run `extraction replicate status`, then `extraction verify`."),
    see="Both directions stream, the lag is small, and every business is equal in both databases. Nothing has moved.",
    values=_replication_values,
    conditions=_replication_conditions,
    why="The rows are there before the move, so that the move itself is short. Both directions, so that there is a way "
    "back.",
    symbols=(
        "monolith.cutover.replication.starting:start",
        "monolith.cutover.replication.direction:ReplicationDirection",
    ),
    costs="Every write of scheduling is written twice, and neither database may be unreachable for long: the other one "
    "keeps its changes until then.",
    hint="The first copy takes some seconds. A business that was opened since has not been compared: verify again.",
    commands=("extraction replicate start", "extraction replicate status", "extraction verify"),
    actions=(
        StepAction("Start replication", lambda _: StartReplication()),
        StepAction("Compare every business", lambda _: Verify()),
    ),
)

SHADOW: Final = LearningStep(
    slug="shadow-reads",
    title="Shadow reads",
    minutes=10,
    question=Question("Of all replies that are compared, how many will differ?", DIFFERENT),
    do=(
        "Run `extraction shadow set 20`, and search for times on the pages of the product: open some ten days.",
        "Wait ten seconds, run `extraction shadow report`, then `extraction shadow set 0`.",
    ),
    see="Comparisons for each operation and no difference. Users received the owner's reply, and did not wait.",
    values=_shadow_values,
    conditions=_shadow_conditions,
    why="Equal rows do not prove equal replies: the other process has its own code, caches and clock.",
    symbols=("monolith.cutover.shadow.comparison:ReadComparer", "monolith.cutover.shadow.sampling:ReadSampler"),
    costs="That share of the reads is executed twice.",
    hint="The share is refused while nothing is replicated: there would be no copy to compare with. Results are stored "
    "every few seconds.",
    commands=("extraction shadow set 20", "extraction shadow report", "extraction shadow set 0"),
    actions=(
        StepAction("Compare 20 % of the reads", lambda _: SetShadow(percent=20)),
        StepAction("Send reads", lambda _: SendLoad(seconds=10, rate=20)),
        StepAction("Compare none", lambda _: SetShadow(percent=0)),
    ),
)

FLIP: Final = LearningStep(
    slug="flip",
    title="The flip",
    minutes=10,
    question=Question("For how many milliseconds will the writes of the business wait?", pause_towards("scheduling")),
    do=(
        "Run `extraction cutover watch` in another terminal.",
        "Run `extraction flag set http --business harbour-barbers --dry-run`, then the same without `--dry-run`.",
        "Reload a page of the business. The move took about a second; an exercise after step 10 makes one under load.",
    ),
    see="The states from `replicating` to `active`, and an owner that changed. Customers noticed nothing.",
    values=_flip_values,
    conditions=_flip_conditions,
    why="A business is moved, not the product. One row is the decision: everything before it can be aborted, and "
    "everything after it is completed, also when the process that drives it dies.",
    symbols=(
        "monolith.cutover.controller:Controller._fence",
        "monolith.cutover.store.cutovers:decide",
        "scheduling_service.engine.write_transaction:_require_lease",
    ),
    costs="Its writes wait during the fence. `make bench-cutover` measures how long, under load.",
    hint="A refused cutover names the check that failed; the page of the business shows all checks with their values.",
    commands=(
        "extraction flag set http --business harbour-barbers --dry-run",
        "extraction flag set http --business harbour-barbers --reason learning",
        "extraction cutover status",
    ),
    actions=(
        StepAction("Rehearse the move", lambda plane: move_from("monolith", plane, dry_run=True)),
        StepAction("Move it", lambda plane: move_from("monolith", plane)),
    ),
)
