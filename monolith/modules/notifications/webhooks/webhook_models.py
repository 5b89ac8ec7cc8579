"""Request and reply models of webhooks. Requests reject unknown fields."""

from datetime import datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

from msgspec import Meta, Struct

from contracts.chassis.values import Cursor, Name, PageSize
from monolith.shared.outbound import checked_url

WebhookEvent = Literal[
    "appointment.held",
    "appointment.expired",
    "appointment.requested",
    "appointment.booked",
    "appointment.declined",
    "appointment.rescheduled",
    "appointment.cancelled",
    "appointment.completed",
    "appointment.no_show",
]
EVENTS: tuple[WebhookEvent, ...] = get_args(WebhookEvent)
DeliveryState = Literal["pending", "delivered", "dead"]
"""`pending`: to be attempted, again after a failure; `dead`: given up, until it is replayed."""


class CreateWebhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receiver of events."""

    url: str
    """The address that events are posted to."""
    name: Name = "Webhook"
    """A name for the list of webhooks."""
    events: Annotated[tuple[WebhookEvent, ...], Meta(min_length=1, max_length=9)] = EVENTS
    """The types of events to post. By default all."""

    def __post_init__(self) -> None:
        checked_url(self.url)


class Webhook(Struct, frozen=True, kw_only=True):
    """A receiver of events."""

    webhook_id: UUID
    """The id of the webhook."""
    url: str
    """The address that events are posted to."""
    name: str
    """The name in the list of webhooks."""
    events: tuple[str, ...]
    """The types of events that are posted."""
    created_at: datetime
    """When it was created."""
    failing_since: datetime | None
    """The first failure since the last success."""
    disabled_at: datetime | None
    """When it was disabled, by the reply `410 Gone`. Deliveries wait until it is enabled again."""


class NewWebhook(Struct, frozen=True, kw_only=True):
    """A webhook with its secret, which is returned only once."""

    webhook: Webhook
    """The webhook."""
    secret: str
    """The secret that signs its deliveries."""


class WebhookList(Struct, frozen=True, kw_only=True):
    """Webhooks, in the order of their creation."""

    webhooks: tuple[Webhook, ...]
    """The webhooks."""


class Delivery(Struct, frozen=True, kw_only=True):
    """An event that is, was or could not be delivered."""

    delivery_id: UUID
    """The id of the delivery. The header `webhook-id` is `msg_` and this id without hyphens."""
    event_type: str
    """The type of the event."""
    state: DeliveryState
    """`pending`: to be attempted, again after a failure; `dead`: given up, until it is replayed."""
    attempts: int
    """The number of attempts to deliver it."""
    created_at: datetime
    """When the event was received."""
    next_attempt_at: datetime
    """When a pending one is attempted next."""
    delivered_at: datetime | None
    """When the receiver accepted it."""
    status: int | None
    """The HTTP status of the last attempt that had a reply."""
    problem: str | None
    """Why the last attempt failed."""


class DeliveriesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`cursor` is the `next_cursor` of the previous page."""

    state: DeliveryState | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class DeliveryPage(Struct, frozen=True, kw_only=True):
    """A page of deliveries, newest first. `next_cursor` is null on the last page."""

    deliveries: tuple[Delivery, ...]
    """The deliveries."""
    next_cursor: str | None = None
