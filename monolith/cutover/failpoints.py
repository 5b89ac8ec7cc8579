"""Named points at which a test may stop, delay or kill the process that drives a cutover.

Inactive in production: the product never sets `hook`, and no setting can; only the programs of tests and exercises do.
"""

from collections.abc import Callable

FAILPOINT_STEPS = (
    "ready",
    "fenced",
    "fence",
    "drained",
    "verified",
    "decided",
    "activate",
    "active",
    "abort",
    "release",
    "settle",
)
"""Every step of a cutover, with a failpoint before and after each. A transition has the name of its new state."""

hook: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """Call the hook. `before X` and `after X` surround each of `FAILPOINT_STEPS`."""
    if hook is not None:
        hook(name)
