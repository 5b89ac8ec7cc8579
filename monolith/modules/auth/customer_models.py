"""Request and reply models of the customers of a business."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from contracts.chassis.values import Cursor, Name, Note, PageSize
from monolith.modules.auth.models import Body, Email
from monolith.shared.localization import Language

Phone = Annotated[
    str,
    Meta(max_length=30, pattern=r"^(\+?[0-9][0-9 ()/.-]{2,28})?$(?!\n)", description="Digits, spaces and ( ) / . - +"),
]


class AddGuest(Body, frozen=True):
    """A customer without an account, such as a walk-in or a caller."""

    name: Name
    email: Email | None = None
    """Confirmations and reminders are sent here, as soon as an owner of the business has confirmed an address. None: no
    e-mail."""
    phone: Phone = ""
    note: Note = ""
    """For staff only; customers never see it."""
    language: Language | None = None
    """Of mails; None for the language of the business."""


class ChangeCustomer(Body, frozen=True):
    """Changes the fields that are sent. Only its user changes the name, e-mail address and language of an account."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    email: Email | msgspec.UnsetType | None = msgspec.UNSET
    phone: Phone | msgspec.UnsetType = msgspec.UNSET
    note: Note | msgspec.UnsetType = msgspec.UNSET
    language: Language | msgspec.UnsetType | None = msgspec.UNSET
    """Of mails; null for the language of the business."""


class Customer(Struct, frozen=True, kw_only=True):
    """A customer as the staff of one business see them."""

    customer_id: UUID
    name: str
    email: str | None
    phone: str
    note: str
    """For staff only."""
    has_account: bool
    """Whether the customer can sign in."""
    since: datetime
    """When the customer joined or was added."""
    language: Language | None = None
    """Of mails; null for the language of the business."""
    email_confirmed: bool = False
    """Whether the customer has shown that the address is theirs. Anyone can enter one as a guest or at a sign-up."""


class CustomersQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`cursor` is the `next_cursor` of the previous page."""

    search: Annotated[str, Meta(max_length=80)] = ""
    """A part of the name, e-mail address or telephone number."""
    cursor: Cursor | None = None
    limit: PageSize = 50


class CustomerPage(Struct, frozen=True, kw_only=True):
    """A page of customers by name. `next_cursor` is null on the last page."""

    customers: tuple[Customer, ...]
    next_cursor: str | None = None
