"""Descriptions of cutovers, shared by every interface."""

from monolith.cutover.service.pauses import write_pause_ms
from monolith.cutover.store.cutovers import Cutover


def describe_move(cutover: Cutover) -> str:
    """Describe a completed cutover: both databases, and how long writes waited."""
    return f"{cutover.source} -> {cutover.target}{describe_pause(cutover)}"


def describe_outcome(cutover: Cutover) -> str:
    """Describe a settled cutover: where the business is, and why if it did not move."""
    if cutover.state == "active":
        return f"moved to {cutover.target}{describe_pause(cutover)}"
    return f"stays at {cutover.source} ({cutover.problem})"


def describe_pause(cutover: Cutover) -> str:
    """Return a clause about the pause of writes; empty when the business was never fenced, or still is."""
    pause = write_pause_ms(cutover)
    return "" if pause is None else f"; writes waited at most {pause:.0f} ms"
