"""Webhooks as owners manage them, and the queue of their deliveries. `delivery.py` posts them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.webhooks import webhook_repository as repository
from monolith.modules.notifications.webhooks.signing import new_secret, secret_text
from monolith.modules.notifications.webhooks.webhook_models import (
    CreateWebhook,
    DeliveriesQuery,
    DeliveryPage,
    NewWebhook,
    Webhook,
)
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import ApiError, BusinessRef
from monolith.shared.endpoints.errors import invalid_cursor, not_found
from monolith.shared.outbound import checked_url
from monolith.shared.rate_limits import Buckets, Limit, charge

MOST_WEBHOOKS = 10
"""Of one business."""
TEST_OF_BUSINESS = Limit("webhook test of business", burst=20, seconds=10)
TEST_EVENT = "webhook.test"
_OWN_FIELDS = ("type", "epoch", "traceparent", "occurred_at")
_encoder = msgspec.json.Encoder()


class Webhooks:
    """All methods may raise DatabaseUnavailable; those that name a webhook raise ApiError 404 for an unknown one."""

    def __init__(self, database: ModuleDatabase, buckets: Buckets) -> None:
        self._database = database
        self._buckets = buckets

    def queue(self, events: Sequence[AnyEvent], connection: Connection) -> None:
        """Queue the deliveries of events, in the transaction that applies them."""
        receivers = repository.receivers(connection, {event.business_id for event in events})
        if not receivers:
            return
        queued = []
        for event in events:
            fields: dict[str, Any] = msgspec.to_builtins(event)
            for business_id, webhook_id, types in receivers:
                if business_id == event.business_id and fields["type"] in types:
                    queued.append((business_id, webhook_id, fields["type"], event_payload(fields)))
        repository.queue(connection, queued)

    def create(self, business: BusinessRef, creator: UUID, wanted: CreateWebhook) -> NewWebhook:
        """Create a webhook. Raises ApiError 409 if there are too many, also because of others at the same time."""
        secret = new_secret()
        wanted = replace(wanted, url=checked_url(wanted.url))
        with self._database.transaction(business.business_id) as connection:
            repository.lock_business(connection, business.business_id)
            if len(repository.webhooks_of(connection, business.business_id)) >= MOST_WEBHOOKS:
                message = f"There are {MOST_WEBHOOKS} webhooks already. Delete one that is no longer in use."
                raise ApiError(409, "too_many_webhooks", message)
            created = repository.insert_webhook(connection, business.business_id, creator, wanted)
            repository.add_secret(connection, business.business_id, created.webhook_id, secret)
        return NewWebhook(webhook=created, secret=secret_text(secret))

    def of_business(self, business: BusinessRef) -> list[Webhook]:
        """Return the webhooks, in the order of their creation."""
        with self._database.transaction(business.business_id) as connection:
            return repository.webhooks_of(connection, business.business_id)

    def get(self, business: BusinessRef, webhook_id: UUID) -> Webhook:
        return _found(self.of_business(business), webhook_id)

    def delete(self, business: BusinessRef, webhook_id: UUID) -> None:
        """Delete a webhook with its deliveries."""
        with self._database.transaction(business.business_id) as connection:
            if not repository.delete_webhook(connection, webhook_id):
                raise not_found("webhook")

    def enable(self, business: BusinessRef, webhook_id: UUID) -> None:
        """Deliver to a disabled webhook again, also what has been waiting. Idempotent."""
        with self._database.transaction(business.business_id) as connection:
            repository.enable_webhook(connection, webhook_id)

    def rotate_secret(self, business: BusinessRef, webhook_id: UUID) -> NewWebhook:
        """Replace the secret; for 24 hours, deliveries are signed by the former one too."""
        secret = new_secret()
        with self._database.transaction(business.business_id) as connection:
            found = _found(repository.webhooks_of(connection, business.business_id), webhook_id)
            repository.add_secret(connection, business.business_id, webhook_id, secret)
        return NewWebhook(webhook=found, secret=secret_text(secret))

    def send_test(self, business: BusinessRef, webhook_id: UUID) -> None:
        """Queue an event of the type `webhook.test`. Raises ApiError 429 after too many."""
        charge(self._buckets, (TEST_OF_BUSINESS, business.business_id.hex))
        with self._database.transaction(business.business_id) as connection:
            _found(repository.webhooks_of(connection, business.business_id), webhook_id)
            data = {"business_id": business.business_id, "business_name": business.name}
            payload = _encoder.encode({"type": TEST_EVENT, "timestamp": datetime.now(UTC), "data": data})
            repository.queue(connection, [(business.business_id, webhook_id, TEST_EVENT, payload)])

    def deliveries(self, business: BusinessRef, webhook_id: UUID, query: DeliveriesQuery) -> DeliveryPage:
        """Return a page of deliveries, newest first. Raises ApiError 400 for an invalid cursor."""
        before = None if query.cursor is None else _position(query.cursor)
        with self._database.transaction(business.business_id) as connection:
            _found(repository.webhooks_of(connection, business.business_id), webhook_id)
            found = repository.deliveries_of(connection, webhook_id, query.state, before, query.limit + 1)
        page = tuple(found[: query.limit])
        return DeliveryPage(deliveries=page, next_cursor=page[-1].delivery_id.hex if len(found) > query.limit else None)

    def replay(self, business: BusinessRef, webhook_id: UUID, delivery_id: UUID | None) -> None:
        """Deliver a delivery again, whatever its state, or all dead ones if none is named. Idempotent.

        Raises ApiError 404 for an unknown delivery.
        """
        with self._database.transaction(business.business_id) as connection:
            _found(repository.webhooks_of(connection, business.business_id), webhook_id)
            if repository.replay(connection, webhook_id, delivery_id) == 0 and delivery_id is not None:
                raise not_found("delivery")


def event_payload(fields: dict[str, Any]) -> bytes:
    """Return the body of an event: type, timestamp, and the event without what only the product itself uses."""
    data = {name: value for name, value in fields.items() if name not in _OWN_FIELDS}
    return _encoder.encode({"type": fields["type"], "timestamp": fields["occurred_at"], "data": data})


def _found(webhooks: list[Webhook], webhook_id: UUID) -> Webhook:
    for each in webhooks:
        if each.webhook_id == webhook_id:
            return each
    raise not_found("webhook")


def _position(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise invalid_cursor() from None
