"""The generator's limits, its output files and its report about itself; importable without Locust."""

from typing import Final

import msgspec

ROWS_FILE: Final = "rows.csv"
REPORT_FILE: Final = "generator.json"
MAX_IN_FLIGHT: Final = {"scheduling": 600, "auth": 100, "billing": 100, "notifications": 100}
"""In-flight requests by module; an arrival above the limit is dropped, and counts as not answered in time.

The limits are separate so that a slow module leaves capacity for the others. By Little's law, servers that respond
within half a second reach the limit of scheduling at 1,200 requests a second; many systems limit a process to 1,024
sockets.
"""
REQUEST_TIMEOUT_SECONDS: Final = 30.0


class GeneratorReport(msgspec.Struct, frozen=True, kw_only=True):
    """The generator's own figures, from 0 s to the end.

    `planned` are the arrivals of this process. `skipped` of them sent no request, because there was nothing to cancel
    or reschedule yet. `in_flight` is the mean number of in-flight requests, sampled and not computed from the rows;
    `cpu` is the share of one core that this process used. `complete` is False after an interruption. After
    an early end the later arrivals were not sent.
    """

    planned: int
    began: float
    seconds: float
    cpu: float
    in_flight: float
    complete: bool
    skipped: int = 0
    ended_early: bool = False
