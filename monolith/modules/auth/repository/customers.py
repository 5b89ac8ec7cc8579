"""SQL for the customers of a business: members with an account, and guests without one.

A row of `auth.customer` holds what the business knows about a customer. A guest has a row; a member has one as soon as
staff add a telephone number or a note. Name and e-mail address of a member are those of the account.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from monolith.modules.auth.api import CustomerKey, UserRef
from monolith.modules.auth.customer_models import AddGuest, Customer

# membership_pkey and account_pkey; customer_pkey. `names` are all who can have an appointment, `listed` the customers.
_EVERY = """
    SELECT m.user_id AS customer_id, a.name, coalesce(a.email, a.unconfirmed_email) AS email,
           coalesce(c.phone, '') AS phone, coalesce(c.note, '') AS note,
           true AS has_account, m.created_at AS since, m.role, a.language, a.email IS NOT NULL AS email_confirmed
      FROM auth.membership m
      JOIN auth.account a USING (user_id)
      LEFT JOIN auth.customer c ON c.business_id = m.business_id AND c.customer_id = m.user_id
     WHERE m.business_id = :business_id
     UNION ALL
    SELECT customer_id, name, email, phone, note, false, created_at, 'customer', language, false
      FROM auth.customer
     WHERE business_id = :business_id AND name IS NOT NULL
"""
_ONE = text(f"SELECT * FROM ({_EVERY}) AS every WHERE customer_id = :customer_id")  # noqa: S608 - a constant
_PAGE = text(f"""
    SELECT * FROM ({_EVERY}) AS every
     WHERE role = 'customer'
       AND (:pattern = '' OR name ILIKE :pattern OR email ILIKE :pattern OR phone LIKE :pattern)
       AND (lower(name), customer_id) > (:after_name, CAST(:after_id AS uuid))
     ORDER BY lower(name), customer_id
     LIMIT :limit
""")  # noqa: S608 - a constant
# membership_pkey and account_pkey. A guest cannot confirm an address, so the business answers for it.
_HAS_CONFIRMED_OWNER = """
    EXISTS (SELECT FROM auth.membership m JOIN auth.account a USING (user_id)
             WHERE m.business_id = customer.business_id AND m.role = 'owner' AND a.email IS NOT NULL)
"""
# account_pkey, customer_pkey
_CONTACTS = text(f"""
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:businesses AS uuid[]), CAST(:ids AS uuid[])) AS each (business_id, customer_id))
    SELECT business_id, user_id, name, coalesce(email, unconfirmed_email) AS email, email IS NOT NULL AS confirmed,
           language
      FROM wanted JOIN auth.account ON user_id = customer_id
     WHERE coalesce(email, unconfirmed_email) IS NOT NULL
     UNION ALL
    SELECT business_id, customer_id, name, email, {_HAS_CONFIRMED_OWNER}, language
      FROM wanted JOIN auth.customer USING (business_id, customer_id)
     WHERE name IS NOT NULL AND email IS NOT NULL
""")  # noqa: S608 - a constant
# business_pkey, membership_pkey, account_pkey
_BUSINESS_CONTACTS = text("""
    SELECT DISTINCT ON (b.business_id)
           b.business_id, b.name, coalesce(nullif(b.email, ''), a.email, '') AS email, a.email IS NOT NULL AS confirmed,
           b.language
      FROM auth.business b
      JOIN auth.membership m ON m.business_id = b.business_id AND m.role = 'owner'
      JOIN auth.account a USING (user_id)
     WHERE b.business_id = ANY (CAST(:ids AS uuid[]))
     ORDER BY b.business_id, m.created_at, a.user_id
""")
# membership_pkey and account_pkey; customer_pkey
_NAMES = text("""
    SELECT user_id, name
      FROM auth.membership JOIN auth.account USING (user_id)
     WHERE business_id = :business_id AND user_id = ANY (CAST(:ids AS uuid[]))
     UNION ALL
    SELECT customer_id, name
      FROM auth.customer
     WHERE business_id = :business_id AND customer_id = ANY (CAST(:ids AS uuid[])) AND name IS NOT NULL
""")
# customer_creation_key
_ADD = text("""
    INSERT INTO auth.customer (business_id, customer_id, name, email, phone, note, language, creation_key)
    VALUES (:business_id, :customer_id, :name, :email, :phone, :note, :language, :creation_key)
    ON CONFLICT (business_id, creation_key) DO NOTHING
""")
_BY_KEY = text("""
    SELECT customer_id FROM auth.customer WHERE business_id = :business_id AND creation_key = :creation_key
""")
# customer_pkey
_REGISTER = text("""
    INSERT INTO auth.customer (business_id, customer_id, name, email, phone, language, creation_key)
    VALUES (:business_id, :customer_id, :name, :email, :phone, :language, :creation_key)
    ON CONFLICT (business_id, customer_id) DO UPDATE
    SET name = excluded.name, email = excluded.email, phone = excluded.phone, language = excluded.language
    WHERE customer.creation_key = excluded.creation_key
""")
_CREATION_KEY = text("""
    SELECT creation_key FROM auth.customer WHERE business_id = :business_id AND customer_id = :customer_id
""")
# customer_by_email; account_email and membership_pkey
_BY_EMAIL = text(f"""
    (SELECT customer_id, name
       FROM auth.customer
      WHERE business_id = :business_id AND email = :email AND name IS NOT NULL AND {_HAS_CONFIRMED_OWNER}
      ORDER BY created_at DESC
      LIMIT :limit)
     UNION ALL
    SELECT user_id, name
      FROM auth.account JOIN auth.membership USING (user_id)
     WHERE business_id = :business_id AND email = :email
""")  # noqa: S608 - a constant
# customer_pkey
_GUEST_EMAIL = text("""
    SELECT email FROM auth.customer
     WHERE business_id = :business_id AND customer_id = :customer_id AND name IS NOT NULL
""")
_CHANGE = text("""
    INSERT INTO auth.customer (business_id, customer_id, name, email, phone, note, language)
    VALUES (:business_id, :customer_id, :name, :email, :phone, :note, :language)
    ON CONFLICT (business_id, customer_id) DO UPDATE
    SET name = excluded.name, email = excluded.email, phone = excluded.phone, note = excluded.note,
        language = excluded.language
""")


def one(connection: Connection, business_id: UUID, customer_id: UUID) -> Customer | None:
    """Return a customer, or a member of the staff, who can have appointments too."""
    row = connection.execute(_ONE, {"business_id": business_id, "customer_id": customer_id}).one_or_none()
    return None if row is None else _customer(row)


def page(connection: Connection, business_id: UUID, search: str, after: tuple[str, UUID], limit: int) -> list[Customer]:
    """Return customers by lower-case name, then id. Reads every customer of the business."""
    escaped = search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    values = {
        "business_id": business_id,
        "pattern": f"%{escaped}%" if search else "",
        "after_name": after[0],
        "after_id": after[1],
        "limit": limit,
    }
    return [_customer(row) for row in connection.execute(_PAGE, values)]


def names(connection: Connection, business_id: UUID, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those that exist, by id."""
    rows = connection.execute(_NAMES, {"business_id": business_id, "ids": list(ids)})
    return {row.user_id: row.name for row in rows}


def contacts(connection: Connection, customers: Collection[CustomerKey]) -> dict[CustomerKey, UserRef]:
    """Return those that exist and have an e-mail address, by business and id.

    A guest is `confirmed` as soon as an owner of the business is.
    """
    wanted = list(customers)
    values = {"businesses": [business_id for business_id, _ in wanted], "ids": [own_id for _, own_id in wanted]}
    return {
        (row.business_id, row.user_id): UserRef(row.user_id, row.name, row.email, row.confirmed, row.language)
        for row in connection.execute(_CONTACTS, values)
    }


def business_contacts(connection: Connection, ids: Collection[UUID]) -> dict[UUID, UserRef]:
    """Return the businesses with an owner, by id; `confirmed` is whether the owner's address is."""
    rows = connection.execute(_BUSINESS_CONTACTS, {"ids": list(ids)})
    found = (UserRef(row.business_id, row.name, row.email, row.confirmed, row.language) for row in rows)
    return {each.user_id: each for each in found}


def add(connection: Connection, business_id: UUID, customer_id: UUID, guest: AddGuest, key: str) -> UUID:
    """Insert a guest once per key, and return the id of the one that exists then."""
    values = {
        "business_id": business_id,
        "customer_id": customer_id,
        "name": guest.name,
        "email": guest.email,
        "phone": guest.phone,
        "note": guest.note,
        "language": guest.language,
        "creation_key": key,
    }
    if connection.execute(_ADD, values).rowcount:
        return customer_id
    known: UUID = connection.execute(_BY_KEY, {"business_id": business_id, "creation_key": key}).scalar_one()
    return known


def register(connection: Connection, business_id: UUID, customer_id: UUID, guest: AddGuest, key: str) -> bool:
    """Insert a guest with this id, or replace the contact details of the one who has it.

    Return false, and change nothing, if that one was created with another key or by staff.
    """
    values = {
        "business_id": business_id,
        "customer_id": customer_id,
        "name": guest.name,
        "email": guest.email,
        "phone": guest.phone,
        "language": guest.language,
        "creation_key": key,
    }
    return connection.execute(_REGISTER, values).rowcount == 1


def creation_key(connection: Connection, business_id: UUID, customer_id: UUID) -> str | None:
    """Return the key with which a guest was created; None if there is none."""
    values = {"business_id": business_id, "customer_id": customer_id}
    found: str | None = connection.execute(_CREATION_KEY, values).scalar_one_or_none()
    return found


def guest_email(connection: Connection, business_id: UUID, customer_id: UUID) -> str | None:
    """Return the e-mail address of a customer without an account, if there is one."""
    values = {"business_id": business_id, "customer_id": customer_id}
    found: str | None = connection.execute(_GUEST_EMAIL, values).scalar()
    return found


def with_email(connection: Connection, business_id: UUID, email: str, limit: int) -> dict[UUID, str]:
    """Return the names of the customers with this confirmed address, by id; of guests the newest `limit`.

    A business without a confirmed owner has no such guests.
    """
    rows = connection.execute(_BY_EMAIL, {"business_id": business_id, "email": email, "limit": limit})
    return {row.customer_id: row.name for row in rows}


def change(connection: Connection, business_id: UUID, changed: Customer) -> None:
    """Store what the business knows about a customer; not what belongs to an account."""
    own = {name: None if changed.has_account else getattr(changed, name) for name in ("name", "email", "language")}
    values = {
        "business_id": business_id,
        "customer_id": changed.customer_id,
        "phone": changed.phone,
        "note": changed.note,
    }
    connection.execute(_CHANGE, values | own)


def _customer(row: Row[Any]) -> Customer:
    return Customer(
        customer_id=row.customer_id,
        name=row.name,
        email=row.email,
        phone=row.phone,
        note=row.note,
        has_account=row.has_account,
        since=row.since,
        language=row.language,
        email_confirmed=row.email_confirmed,
    )
