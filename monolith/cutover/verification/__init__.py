"""Whether two databases hold the same of a business: apart from what moves it, with queries of its own."""

from monolith.cutover.verification.findings import Difference, Findings, TableFinding
from monolith.cutover.verification.invariants import invariants
from monolith.cutover.verification.recent import compare_recent, compare_since
from monolith.cutover.verification.tables import Table, read_tables
from monolith.cutover.verification.whole import compare

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
