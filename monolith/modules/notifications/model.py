"""Request and reply models, and the recipient interface."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from msgspec import Struct

from contracts.chassis.values import Cursor, PageSize
from monolith.shared.localization import Language

Kind = Literal[
    "confirmation",
    "change",
    "cancellation",
    "reminder",
    "request",
    "decline",
    "offer",
    "no_show",
    "business_booking",
    "business_request",
    "business_change",
    "business_cancellation",
]
"""`request`: awaiting approval; `decline`: not approved; `offer`: a slot from the waitlist is available. The kinds that
begin with `business_` go to the business, the others to the customer."""

FOR_THE_BUSINESS: frozenset[Kind] = frozenset(
    {"business_booking", "business_request", "business_change", "business_cancellation"}
)

State = Literal["pending", "sent", "failed", "held"]
"""`held`: waits until the customer has confirmed the e-mail address or, for a customer without an account, an owner of
the business has."""


class Preferences(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kinds of mail that a user receives from one business; by default all.

    A request counts as a confirmation; a decline and the fee for a missed appointment count as cancellations. Offers
    are always sent, because the user asked for them by joining the waitlist.
    """

    confirmation: bool = True
    change: bool = True
    cancellation: bool = True
    reminder: bool = True

    def wants(self, kind: Kind) -> bool:
        return kind == "offer" or bool(getattr(self, _COUNTS_AS.get(kind, kind)))


_COUNTS_AS: dict[Kind, Kind] = {"request": "confirmation", "decline": "cancellation", "no_show": "cancellation"}


class BusinessNotices(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The notifications that a business receives at its own address or, without one, its owner's; by default none."""

    bookings: bool = False
    """An appointment was booked, by a customer or by staff."""
    requests: bool = False
    """A customer requested an appointment that requires approval."""
    changes: bool = False
    """An appointment was moved."""
    cancellations: bool = False
    """An appointment was cancelled."""

    def wants(self, kind: Kind) -> bool:
        return bool(getattr(self, _NOTICES[kind]))


_NOTICES: dict[Kind, str] = {
    "business_booking": "bookings",
    "business_request": "requests",
    "business_change": "changes",
    "business_cancellation": "cancellations",
}


class Message(Struct, frozen=True, kw_only=True):
    """A mail as the staff of its business see it. `problem` is the error of the last failed attempt."""

    message_id: UUID
    user_id: UUID
    appointment_id: UUID
    kind: Kind
    state: State
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    problem: str | None


class MessagesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`cursor` is the `next_cursor` of the previous page."""

    cursor: Cursor | None = None
    limit: PageSize = 50


class MessagePage(Struct, frozen=True, kw_only=True):
    """A page of mails, newest first. `next_cursor` is null on the last page."""

    messages: tuple[Message, ...]
    next_cursor: str | None = None


class Recipient(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def confirmed(self) -> bool: ...
    @property
    def language(self) -> Language | None:
        """None: mails are in the language of the business."""


class SenderBusiness(Protocol):
    """What mails say of a business: its street address, which may be empty. They are in its language by default."""

    @property
    def place(self) -> str: ...
    @property
    def language(self) -> Language: ...


class Recipients(Protocol):
    """Lookup of recipients; implemented by the API of auth."""

    def contacts(self, customers: Collection[tuple[UUID, UUID]], /) -> Mapping[tuple[UUID, UUID], Recipient]:
        """Return the recipients that exist and have an e-mail address, by business and id."""

    def business_contacts(self, business_ids: Collection[UUID], /) -> Mapping[UUID, Recipient]:
        """Return the businesses with their own e-mail address or, without one, their owner's."""

    def mailing_businesses(self, business_ids: Collection[UUID], /) -> Mapping[UUID, SenderBusiness]:
        """Return what mails say of the businesses that exist, by id."""

    def customer_names(self, business_id: UUID, customer_ids: Collection[UUID], /) -> Mapping[UUID, str]:
        """Return the names of a business's customers by id."""
