"""Shared declarations of the tables."""

from sqlalchemy import DateTime, ForeignKeyConstraint, MetaData, Table, text

SCHEMA = "scheduling"
metadata = MetaData(schema=SCHEMA)

instant = DateTime(timezone=True)
now = text("now()")


def business_foreign_key(table: Table, key: str) -> ForeignKeyConstraint:
    """Return a foreign key to the column of the same name, within the business."""
    return ForeignKeyConstraint(["business_id", key], [table.c.business_id, table.c[key]])
