"""Request and reply models of feeds. Requests reject unknown fields."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from contracts.chassis.values import Name

Detail = Literal["full", "busy"]


class CreateFeed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A feed of a provider, for staff, or of the caller's own appointments as a customer."""

    provider_id: UUID | None = None
    """The provider whose appointments the feed shows. Null: the caller's own appointments."""
    detail: Detail = "full"
    """`full` shows service, people and notes; `busy` shows only that the time is taken."""
    name: Name = "Calendar"
    """A name for the list of feeds, such as the program that reads it."""


class Feed(Struct, frozen=True, kw_only=True):
    """A private calendar feed. Its address is known only to who created it."""

    feed_id: UUID
    """The id of the feed."""
    provider_id: UUID | None
    """The provider whose appointments the feed shows. Null: those of its creator, as a customer."""
    detail: Detail
    """`full` shows service, people and notes; `busy` shows only that the time is taken."""
    name: str
    """The name in the list of feeds."""
    created_by: UUID
    """The id of the user who created it. The feed ends when this user leaves the business."""
    created_at: datetime
    """When it was created."""
    last_read_at: datetime | None
    """When a program last read it."""


class NewFeed(Struct, frozen=True, kw_only=True):
    """A new feed with its addresses, which contain its secret and are returned only once."""

    feed: Feed
    """The feed."""
    url: str
    """The address of the calendar, to subscribe to in another calendar program."""
    free_busy_url: str
    """The address of the free/busy times of the next 60 days, without details."""


class FeedList(Struct, frozen=True, kw_only=True):
    """Feeds, in the order of their creation."""

    feeds: tuple[Feed, ...]
    """The feeds."""
