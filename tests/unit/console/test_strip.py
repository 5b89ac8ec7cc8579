"""The states of a cutover as a strip: the time spent in each, and the current one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from deploy.console.pages.businesses import strip_of
from monolith.cutover.states import State
from monolith.cutover.store.cutovers import Cutover

BEGAN = datetime(2030, 1, 1, 12, tzinfo=UTC)


def cutover(state: State, times: dict[str, float], settled: float | None = None) -> Cutover:
    """A cutover whose states were reached so many seconds after its start."""
    steps: list[dict[str, Any]] = [
        {"state": name, "at": (BEGAN + timedelta(seconds=at)).isoformat()} for name, at in times.items()
    ]
    settled_at = None if settled is None else BEGAN + timedelta(seconds=settled)
    return Cutover(
        uuid4(),
        uuid4(),
        "monolith",
        "scheduling",
        1,
        1,
        state,
        2.0,
        None,
        None,
        "ann",
        "",
        None,
        steps,
        BEGAN,
        settled_at,
    )


def test_the_current_state_lasts_until_now_and_later_ones_are_ahead() -> None:
    strip = strip_of(cutover("fenced", {"replicating": 0, "ready": 1.5, "fenced": 2}), BEGAN + timedelta(seconds=2.25))
    assert [(step.state, step.seconds) for step in strip[:3]] == [
        ("replicating", 1.5),
        ("ready", 0.5),
        ("fenced", 0.25),
    ]
    assert [step.state for step in strip if step.is_current] == ["fenced"]
    assert {(step.at, step.seconds) for step in strip[3:]} == {(None, None)}


def test_an_aborted_cutover_ends_where_it_was_aborted() -> None:
    strip = strip_of(cutover("aborted", {"replicating": 0, "aborted": 3}, settled=3.5), BEGAN + timedelta(seconds=60))
    assert [(step.state, step.seconds) for step in strip] == [("replicating", 3.0), ("aborted", None)]
    assert not any(step.is_current for step in strip)
