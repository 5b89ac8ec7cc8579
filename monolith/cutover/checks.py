"""The checks that a cutover depends on, as the controller calls them; `preflight.py` implements them."""

from datetime import datetime
from typing import Any, NamedTuple, Protocol

from monolith.cutover.databases import Connection
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.verification import RecentRows


class CutoverRefused(Exception):
    """A preflight check failed, or the two databases differ. The owner is unchanged."""


class PreflightResult(NamedTuple):
    """Result of the checks before a fence. `compared_from` is the time of the source's clock before the comparison."""

    compared_from: datetime
    found: dict[str, Any]


class CutoverChecks(Protocol):
    """The checks that a cutover depends on. They may take long and change no row of the business."""

    def check_before_fence(self, cutover: Cutover, source: Connection, target: Connection) -> PreflightResult:
        """Run the preflight checks and compare the whole business while it is in use. Raises CutoverRefused."""

    def read_source(self, cutover: Cutover, source: Connection, since: datetime) -> RecentRows:
        """Read the recent changes of the fenced source, in another thread, while the target drains."""

    def check_inside_fence(
        self, cutover: Cutover, source: Connection, target: Connection, source_rows: RecentRows
    ) -> dict[str, Any]:
        """Compare the recent changes with the drained target while all writes are fenced. Raises CutoverRefused."""
