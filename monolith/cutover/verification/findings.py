"""The findings of a comparison."""

from datetime import datetime

from msgspec import Struct

MAX_LISTED = 50


class Difference(Struct, frozen=True):
    """A differing row. `key` is its primary key without the business; `what` describes the difference."""

    table: str
    key: str
    what: str


class TableFinding(Struct, frozen=True):
    """Equality of one table, and the number of compared rows of the source."""

    rows: int
    equal: bool


class Findings(Struct, frozen=True):
    """The findings of one comparison. `differences` lists at most 50 of the `different` rows.

    A later comparison may start at `compared_from`: the source's clock before the first read, minus the longest
    possible duration of a transaction that was open then.
    """

    equal: bool
    tables: dict[str, TableFinding]
    differences: tuple[Difference, ...]
    different: int
    compared_from: datetime
    took_ms: float
