"""Whether two databases hold the same of a business: apart from what moves it, with queries of its own."""

from scheduling_service.cutover.verification.findings import Difference, Findings, TableFinding
from scheduling_service.cutover.verification.invariants import invariants
from scheduling_service.cutover.verification.recent import compare_recent, compare_since
from scheduling_service.cutover.verification.tables import Table, read_tables
from scheduling_service.cutover.verification.whole import compare

__all__ = [
    "Difference",
    "Findings",
    "Table",
    "TableFinding",
    "compare",
    "compare_recent",
    "compare_since",
    "invariants",
    "read_tables",
]
