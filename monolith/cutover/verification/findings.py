"""What a comparison found."""

from datetime import datetime

from msgspec import Struct

MAX_LISTED = 50


class Difference(Struct, frozen=True):
    """One row. `key` is its primary key without the business; `what` says where it is missing, or that it differs."""

    table: str
    key: str
    what: str


class TableFinding(Struct, frozen=True):
    """`rows` that were compared at the source."""

    rows: int
    equal: bool


class Findings(Struct, frozen=True):
    """`differences` are at most 50 of `different`. `compared_from` is the source's clock before anything was read, less
    the longest that a transaction open then could last: a later comparison may begin there."""

    equal: bool
    tables: dict[str, TableFinding]
    differences: tuple[Difference, ...]
    different: int
    compared_from: datetime
    took_ms: float
