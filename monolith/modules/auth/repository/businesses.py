"""SQL for businesses."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, TextClause, text

from monolith.modules.auth.api import MailingBusiness
from monolith.shared.endpoints import BusinessRef, PublicDetails

_DETAILS = (
    "email",
    "phone",
    "address",
    "opening_hours",
    "picture_url",
    "description",
    "fixed_zone",
    "embedding_sites",
    "language",
)
_SELECT = f"""
    SELECT business_id, slug, name, zone, currency, {", ".join(_DETAILS)}, closed_at IS NOT NULL AS is_closed
    FROM auth.business
"""  # noqa: S608 - constants
# business_slug
_BY_SLUG = text(f"{_SELECT} WHERE slug = :slug")
# business_pkey
_BY_ID = text(f"{_SELECT} WHERE business_id = :business_id")
_ALL = text(f"{_SELECT} ORDER BY slug")
# business_opening
_OPENING = text(f"""
    {_SELECT}
    WHERE state = 'opening' AND created_at <= now() - :older_than
    ORDER BY created_at
""")
_INSERT = text("""
    INSERT INTO auth.business (business_id, slug, name, zone, currency, language, state)
    VALUES (:business_id, :slug, :name, :zone, :currency, :language, 'opening')
    ON CONFLICT (slug) DO NOTHING
""")
_OPEN = text("UPDATE auth.business SET state = 'open' WHERE business_id = :business_id AND state = 'opening'")
_CHANGE = text(f"""
    UPDATE auth.business
    SET name = :name, zone = :zone, {", ".join(f"{each} = :{each}" for each in _DETAILS)}
    WHERE business_id = :business_id
""")  # noqa: S608 - constants
# business_pkey
_FOR_MAILS = text("""
    SELECT business_id, address, language FROM auth.business WHERE business_id = ANY (CAST(:ids AS uuid[]))
""")
_CLOSE = text("UPDATE auth.business SET closed_at = now() WHERE business_id = :business_id AND closed_at IS NULL")
_REOPEN = text("UPDATE auth.business SET closed_at = NULL WHERE business_id = :business_id AND closed_at IS NOT NULL")


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


def change(connection: Connection, business: BusinessRef) -> None:
    """Store the name, the zone and the public details."""
    values = {"business_id": business.business_id, "name": business.name, "zone": business.zone}
    connection.execute(_CHANGE, values | asdict(business.details))


def for_mails(connection: Connection, business_ids: Collection[UUID]) -> dict[UUID, MailingBusiness]:
    """Return what mails say of the businesses that exist, by id."""
    rows = connection.execute(_FOR_MAILS, {"ids": list(business_ids)})
    return {row.business_id: MailingBusiness(row.address, row.language) for row in rows}


def set_closed(connection: Connection, business_id: UUID, closed: bool) -> None:
    """Close or reopen the business. Idempotent."""
    connection.execute(_CLOSE if closed else _REOPEN, {"business_id": business_id})


def _one(connection: Connection, statement: TextClause, **values: object) -> BusinessRef | None:
    row = connection.execute(statement, values).one_or_none()
    return None if row is None else _ref(row)


def _ref(row: Row[Any]) -> BusinessRef:
    details = PublicDetails(**{name: getattr(row, name) for name in _DETAILS})
    return BusinessRef(row.business_id, row.slug, row.name, row.zone, row.currency, details, row.is_closed)


def _fields(business: BusinessRef) -> dict[str, object]:
    return {
        "business_id": business.business_id,
        "slug": business.slug,
        "name": business.name,
        "zone": business.zone,
        "currency": business.currency,
        "language": business.details.language,
    }
