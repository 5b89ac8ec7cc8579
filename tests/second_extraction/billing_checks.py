"""The checks of a cutover of billing: the rows of the business are equal in both databases."""

from datetime import datetime
from typing import Any, cast

from psycopg import sql

from monolith.cutover.checks import CutoverRefused, PreflightResult
from monolith.cutover.databases import Connection
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.verification import RecentRows
from tests.second_extraction.billing_databases import TABLES


class BillingChecks:
    """Compares all rows, inside the fence. A business with many invoices needs a comparison of recent rows instead."""

    def check_before_fence(self, cutover: Cutover, source: Connection, target: Connection) -> PreflightResult:
        if _columns(source) != _columns(target):
            raise CutoverRefused("the schema billing differs between the databases")
        row = source.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        return PreflightResult(row[0], {})

    def read_source(self, cutover: Cutover, source: Connection, since: datetime) -> RecentRows:
        return cast(RecentRows, _rows(source, cutover))

    def check_inside_fence(
        self, cutover: Cutover, source: Connection, target: Connection, source_rows: RecentRows
    ) -> dict[str, Any]:
        here, there = cast(dict[str, list[Any]], source_rows), _rows(target, cutover)
        differing = [table for table in TABLES if here[table] != there[table]]
        if differing:
            raise CutoverRefused(f"the two databases differ in {', '.join(differing)}")
        return {"rows": sum(map(len, here.values()))}


def _rows(db: Connection, cutover: Cutover) -> dict[str, list[Any]]:
    statement = "SELECT t::text FROM billing.{} t WHERE business_id = %s ORDER BY 1"
    return {
        table: db.execute(sql.SQL(statement).format(sql.Identifier(table)), (cutover.business_id,)).fetchall()
        for table in TABLES
    }


def _columns(db: Connection) -> list[Any]:
    return db.execute(
        """
        SELECT table_name, column_name, data_type FROM information_schema.columns
         WHERE table_schema = 'billing' ORDER BY 1, 2
        """
    ).fetchall()
