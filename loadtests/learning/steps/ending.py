"""Steps 9 and 10: rehearse the way back, finalize."""

from collections.abc import Sequence
from typing import Final

from deploy.console.changes.replication_changes import ResetExtraction
from loadtests.learning.steps.model import (
    LearningStep,
    LiveValue,
    ObservedSystem,
    Question,
    StepAction,
    StepCondition,
)
from loadtests.learning.steps.moving import cutover_values, describe_direction, move_from, moved, pause_towards
from monolith.cutover.service import ControlPlane

_FINALIZED: Final = "extraction.finalized"
OWNED: Final = "owned by scheduling"


def _return_values(observed: ObservedSystem) -> Sequence[LiveValue]:
    state = observed.extraction
    slugs = {each.business_id: each.slug for each in observed.standings}
    policies = [] if state is None else state.policies
    guarded = [
        f"{slugs.get(each.policy.business_id, 'one')} until {each.policy.until:%H:%M} UTC, {each.total.calls} calls"
        for each in policies
    ]
    return [*cutover_values(observed, "monolith"), LiveValue("guarded businesses", "; ".join(guarded) or "none")]


def _return_conditions(observed: ObservedSystem, plane: ControlPlane) -> Sequence[StepCondition]:
    done, state = moved(observed, "scheduling"), observed.extraction
    guarded = bool(state and state.policies) or any(
        each.action.startswith("guard.") for each in plane.audit.changes(200)
    )
    return [
        StepCondition(
            "A business was moved from scheduling back to the monolith.",
            bool(done),
            f"{len(done)} cutovers of the latest fifty were" if done else "no cutover in that direction was completed",
        ),
        StepCondition(
            "A business is, or was, guarded by an automatic rollback.",
            guarded,
            "no guard is recorded: move it forward again with `--guard`",
        ),
    ]


def _final_values(observed: ObservedSystem) -> Sequence[LiveValue]:
    return [
        LiveValue("owned by monolith", str(len(observed.owned_by("monolith")))),
        LiveValue(OWNED, str(len(observed.owned_by("scheduling")))),
        *(LiveValue(f"replication {each.status.direction}", describe_direction(each)) for each in observed.directions),
    ]


def _final_conditions(observed: ObservedSystem, plane: ControlPlane) -> Sequence[StepCondition]:
    state = observed.extraction
    tried = bool(state and state.cutovers)
    latest = next(iter(plane.audit.changes(1, key="extraction")), None)
    if latest is not None and latest.action == _FINALIZED:
        return [
            StepCondition("The extraction was tried before it was ended.", tried),
            StepCondition("The extraction is finalized.", True, f"by {latest.actor}"),
        ]
    elsewhere = [each.slug for each in observed.standings if each.owner == "scheduling"]
    running = [each.status.direction for each in observed.directions if each.status.subscribed]
    return [
        StepCondition("The extraction was tried before it was ended.", tried, "no cutover is recorded"),
        StepCondition(
            "Every business is in the monolith again.", not elsewhere, f"owned by scheduling: {', '.join(elsewhere)}"
        ),
        StepCondition("Nothing is replicated.", not running, f"running: {', '.join(running)}"),
    ]


WAY_BACK: Final = LearningStep(
    slug="way-back",
    title="Rehearse the way back",
    minutes=10,
    question=Question("For how many milliseconds will writes wait on the way back?", pause_towards("monolith")),
    do=(
        'Run `extraction flag set in_process --business harbour-barbers --reason "rehearsal"`.',
        "Then move it forward again: `extraction flag set http --business harbour-barbers --guard --reason again`.",
        "Run `extraction cutover status`.",
    ),
    see="The same states with exchanged roles, then a guarded business with the calls that the guard has counted.",
    values=_return_values,
    conditions=_return_conditions,
    why="A way back that was never used does not exist. It has to work before it is needed. The guard uses it alone, "
    "when calls fail or are slow after a move.",
    symbols=(
        "monolith.cutover.rollback.thresholds:find_breach",
        "monolith.cutover.rollback.rollback_worker:RollbackWorker._roll_back",
    ),
    costs="Replication in both directions for as long as you want to be able to return.",
    hint="The first move needs a business that scheduling owns: the step before leaves one.",
    commands=(
        "extraction flag set in_process --business harbour-barbers --reason rehearsal",
        "extraction flag set http --business harbour-barbers --guard --reason again",
        "extraction cutover status",
    ),
    actions=(
        StepAction("Move it back", lambda plane: move_from("scheduling", plane)),
        StepAction("Move it forward, guarded", lambda plane: move_from("monolith", plane, guard=True)),
    ),
)

FINALIZE: Final = LearningStep(
    slug="finalize",
    title="Finalize",
    minutes=10,
    question=Question("How many businesses will scheduling own when you have returned to the beginning?", OWNED),
    do=(
        "Run `extraction finalize`, read its question, and press Enter: anything but the sentence changes nothing.",
        "Return to the beginning: `extraction reset --yes`.",
        "Or see the end of the way back: `extraction flag set http --all`, then finalize. Only `make clean` undoes it.",
    ),
    see="The question names what is deleted, and that there is no way back. After the reset, the values are those of "
    "a new installation.",
    values=_final_values,
    conditions=_final_conditions,
    why="Two systems that both almost serve are the most expensive state. An extraction ends by deletion: of the "
    "monolith's copies, of the in-process adapter, and of the code that made the move possible.",
    symbols=(
        "monolith.cutover.finalize:finalize_extraction",
        "monolith.cutover.service.extraction:ExtractionService.reset",
    ),
    costs="A control plane that was written and read in order to be deleted.",
    hint="`extraction reset` moves every business back with every check, while they are in use.",
    commands=("extraction finalize", "extraction reset --yes"),
    actions=(StepAction("Return to the beginning", lambda _: ResetExtraction()),),
)
