"""The pause that a learner predicted is compared with a cutover in the same direction."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from contracts.scheduling.values import DatabaseName
from deploy.console import sources
from deploy.console.polling import Snapshot, SourceReading
from loadtests.evidence.usage_history import Usage
from loadtests.learning.steps import STEPS
from loadtests.learning.steps.model import ObservedSystem
from monolith.cutover.service.observation import ExtractionState
from monolith.cutover.store.cutovers import Cutover

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def cutover(target: DatabaseName, pause_ms: int) -> Cutover:
    """A completed cutover in which writes waited this long."""
    steps: list[dict[str, Any]] = [
        {"state": "fenced", "at": NOW.isoformat()},
        {"state": "active", "at": (NOW + timedelta(milliseconds=pause_ms)).isoformat()},
    ]
    source = "monolith" if target == "scheduling" else "scheduling"
    return Cutover(
        uuid4(), uuid4(), source, target, 1, 1, "active", 2.0, None, None, "ann", "", None, steps, NOW, NOW
    )  # fmt: skip


def measured(slug: str, *cutovers: Cutover) -> str:
    """Return the value that answers the question of a step, with these cutovers, newest first."""
    partners = {"monolith": "scheduling", "scheduling": "monolith"}
    state = ExtractionState(NOW, partners, "in_process", [], cutovers, [], {})
    snapshot = Snapshot(1, NOW, {sources.EXTRACTION: SourceReading(state, NOW, None)})
    step = next(step for step in STEPS if step.slug == slug)
    values = step.values(ObservedSystem(snapshot, Usage((), None, None, ()), list))
    return next(each.value for each in values if each.name == step.question.measured)


def test_the_way_back_is_measured_by_the_latest_cutover_to_the_monolith() -> None:
    assert measured("way-back", cutover("scheduling", 30)) == "none yet"
    there_and_back_and_there = cutover("scheduling", 30), cutover("monolith", 80), cutover("scheduling", 20)
    assert measured("way-back", *there_and_back_and_there) == "80 ms"
    assert measured("flip", *there_and_back_and_there) == "30 ms"
