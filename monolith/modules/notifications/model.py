"""What the module speaks of."""

from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from msgspec import Struct

from contracts.scheduling.values import Cursor, PageSize

Kind = Literal["confirmation", "change", "cancellation", "reminder", "request", "decline", "offer", "no_show"]
"""`request`: it awaits approval; `decline`: it was not approved; `offer`: a time that the person waits for is free."""

State = Literal["pending", "sent", "failed"]


class Preferences(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which mails a person wants from one business; all of them unless they said otherwise.

    That a request was received counts as a confirmation; that it was declined, or that a missed appointment costs a
    fee, as a cancellation. An offer is always told: the person asked for it by joining the waitlist.
    """

    confirmation: bool = True
    change: bool = True
    cancellation: bool = True
    reminder: bool = True

    def want(self, kind: Kind) -> bool:
        return kind == "offer" or bool(getattr(self, _COUNTS_AS.get(kind, kind)))


_COUNTS_AS: dict[Kind, Kind] = {"request": "confirmation", "decline": "cancellation", "no_show": "cancellation"}


class Message(Struct, frozen=True, kw_only=True):
    """A mail, as the staff of its business see it. `problem` is what the mail server said last, if it refused."""

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
    """`cursor` is the previous page's `next_cursor`."""

    cursor: Cursor | None = None
    limit: PageSize = 50


class MessagePage(Struct, frozen=True, kw_only=True):
    """Newest first. `next_cursor` is None on the last page."""

    messages: tuple[Message, ...]
    next_cursor: str | None = None


class Recipient(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...


class Recipients(Protocol):
    """Where mail goes: the auth module's public API has this."""

    def user(self, user_id: UUID, /) -> Recipient | None:
        """None: there is no such person."""
