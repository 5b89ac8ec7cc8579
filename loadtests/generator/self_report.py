"""What the generator allows itself and says of itself; apart from it, for those who only read that."""

from typing import Final

import msgspec

ROWS_FILE: Final = "rows.csv"
REPORT_FILE: Final = "generator.json"
MAX_IN_FLIGHT: Final = {"scheduling": 600, "auth": 100, "billing": 100, "notifications": 100}
"""Requests under way, by module, so that who waits for one leaves room for the others; an arrival that finds as many is
dropped, and counted as such: somebody who was not answered in time. By Little's law servers that answer scheduling
within half a second come there at 1,200 requests a second; a process may often have no more than 1,024 sockets."""
REQUEST_TIMEOUT_SECONDS: Final = 30.0
"""After which a request counts as not answered."""


class GeneratorReport(msgspec.Struct, frozen=True, kw_only=True):
    """About the generator itself, from 0 s to the end. `in_flight` is the mean number of requests under way, counted by
    looking, not from the rows; `cpu` the share of one core that this process used."""

    planned: int
    began: float
    seconds: float
    cpu: float
    in_flight: float
    complete: bool
