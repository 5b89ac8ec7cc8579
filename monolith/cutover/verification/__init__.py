"""Compare a business in both databases, independently of the code that replicates it."""

from monolith.cutover.verification.findings import Difference, Findings, TableFinding
from monolith.cutover.verification.full_comparison import compare
from monolith.cutover.verification.invariants import check_invariants
from monolith.cutover.verification.recent_comparison import RecentRows, compare_recent, compare_since, read_recent
from monolith.cutover.verification.table_rows import Table, read_tables

__all__ = [
    "Difference",
    "Findings",
    "RecentRows",
    "Table",
    "TableFinding",
    "check_invariants",
    "compare",
    "compare_recent",
    "compare_since",
    "read_recent",
    "read_tables",
]
