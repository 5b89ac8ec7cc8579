"""SQL for businesses."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, TextClause, text

from monolith.shared.endpoints import BusinessRef

# business_slug
_BY_SLUG = text("SELECT business_id, slug, name, zone, currency FROM auth.business WHERE slug = :slug")
# business_pkey
_BY_ID = text("SELECT business_id, slug, name, zone, currency FROM auth.business WHERE business_id = :business_id")
_ALL = text("SELECT business_id, slug, name, zone, currency FROM auth.business ORDER BY slug")
# business_opening
_OPENING = text("""
    SELECT business_id, slug, name, zone, currency
    FROM auth.business
    WHERE state = 'opening' AND created_at <= now() - :older_than
    ORDER BY created_at
""")
_INSERT = text("""
    INSERT INTO auth.business (business_id, slug, name, zone, currency, state)
    VALUES (:business_id, :slug, :name, :zone, :currency, 'opening')
    ON CONFLICT (slug) DO NOTHING
""")
_OPEN = text("UPDATE auth.business SET state = 'open' WHERE business_id = :business_id AND state = 'opening'")


def by_slug(connection: Connection, slug: str) -> BusinessRef | None:
    return _one(connection, _BY_SLUG, slug=slug)


def by_id(connection: Connection, business_id: UUID) -> BusinessRef | None:
    return _one(connection, _BY_ID, business_id=business_id)


def list_all(connection: Connection) -> list[BusinessRef]:
    return [_ref(row) for row in connection.execute(_ALL)]


def list_opening(connection: Connection, older_than: timedelta) -> list[BusinessRef]:
    """Return businesses in the state 'opening', oldest first."""
    return [_ref(row) for row in connection.execute(_OPENING, {"older_than": older_than})]


def insert(connection: Connection, business: BusinessRef) -> bool:
    """Insert the business in the state 'opening'; return false if the slug is taken."""
    return connection.execute(_INSERT, _fields(business)).rowcount == 1


def mark_open(connection: Connection, business_id: UUID) -> None:
    connection.execute(_OPEN, {"business_id": business_id})


def _one(connection: Connection, statement: TextClause, **values: object) -> BusinessRef | None:
    row = connection.execute(statement, values).one_or_none()
    return None if row is None else _ref(row)


def _ref(row: Row[Any]) -> BusinessRef:
    return BusinessRef(row.business_id, row.slug, row.name, row.zone, row.currency)


def _fields(business: BusinessRef) -> dict[str, object]:
    return {
        "business_id": business.business_id,
        "slug": business.slug,
        "name": business.name,
        "zone": business.zone,
        "currency": business.currency,
    }
