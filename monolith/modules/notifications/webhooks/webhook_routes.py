"""The endpoints of the JSON API for webhooks."""

from typing import Any
from uuid import UUID

from monolith.modules.notifications.webhooks.webhook_models import (
    CreateWebhook,
    DeliveriesQuery,
    DeliveryPage,
    NewWebhook,
    WebhookList,
)
from monolith.modules.notifications.webhooks.webhooks import Webhooks
from monolith.shared.endpoints import Access, AnyEndpoint, Call, Endpoint
from monolith.shared.endpoints.errors import email_unconfirmed, require_session

_MODULE = "notifications"
_WEBHOOKS = "/businesses/{slug}/webhooks"
_ONE = _WEBHOOKS + "/{webhook_id}"


def webhook_endpoints(webhooks: Webhooks) -> list[AnyEndpoint]:
    handlers = _Handlers(webhooks)
    return [
        Endpoint(
            module=_MODULE, name="list_webhooks", method="GET", path=_WEBHOOKS, access=Access.OWNER,
            handler=handlers.list_webhooks, reply=WebhookList, summary="List the webhooks of a business",
        ),
        Endpoint(
            module=_MODULE, name="create_webhook", method="POST", path=_WEBHOOKS, access=Access.OWNER,
            handler=handlers.create, body=CreateWebhook, reply=NewWebhook, status=201,
            summary="Post the events of a business to an address, signed to Standard Webhooks; "
            "the secret is returned only once",
            errors=[(403, "email_unconfirmed"), (409, "too_many_webhooks")],
        ),
        Endpoint(
            module=_MODULE, name="delete_webhook", method="DELETE", path=_ONE, access=Access.OWNER,
            handler=handlers.delete, reply=None, summary="Delete a webhook with its deliveries",
            errors=[(404, "not_found")],
        ),
        Endpoint(
            module=_MODULE, name="rotate_webhook_secret", method="POST", path=_ONE + "/secret", access=Access.OWNER,
            handler=handlers.rotate_secret, reply=NewWebhook, status=201,
            summary="Replace the secret of a webhook; the former one signs too for 24 hours",
            errors=[(404, "not_found")],
        ),
        *_delivery_endpoints(handlers),
    ]  # fmt: skip


def _delivery_endpoints(handlers: "_Handlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=_MODULE, name="test_webhook", method="POST", path=_ONE + "/test", access=Access.OWNER,
            handler=handlers.send_test, reply=None, summary="Post an event of the type webhook.test to a webhook",
            errors=[(404, "not_found"), (429, "too_many_attempts")],
        ),
        Endpoint(
            module=_MODULE, name="enable_webhook", method="POST", path=_ONE + "/enable", access=Access.OWNER,
            handler=handlers.enable, reply=None, summary="Deliver to a disabled webhook again",
            errors=[(404, "not_found")],
        ),
        Endpoint(
            module=_MODULE, name="list_webhook_deliveries", method="GET", path=_ONE + "/deliveries",
            access=Access.OWNER, handler=handlers.deliveries, query=DeliveriesQuery, reply=DeliveryPage,
            summary="List the deliveries of a webhook, newest first", errors=[(404, "not_found")],
        ),
        Endpoint(
            module=_MODULE, name="replay_webhook_delivery", method="POST",
            path=_ONE + "/deliveries/{delivery_id}/replay", access=Access.OWNER, handler=handlers.replay,
            reply=None, summary="Post a delivery again, with the same id", errors=[(404, "not_found")],
        ),
        Endpoint(
            module=_MODULE, name="replay_dead_webhook_deliveries", method="POST", path=_ONE + "/replay",
            access=Access.OWNER, handler=handlers.replay_dead, reply=None,
            summary="Post all deliveries of a webhook again that were given up", errors=[(404, "not_found")],
        ),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    def list_webhooks(self, call: Call[None]) -> WebhookList:
        return WebhookList(webhooks=tuple(self._webhooks.of_business(call.require_business())))

    def create(self, call: Call[CreateWebhook]) -> NewWebhook:
        creator = _user(call)
        if not call.require_principal().confirmed:
            # A stranger may have signed up, and would still receive the events when the owner of the address has it.
            raise email_unconfirmed()
        return self._webhooks.create(call.require_business(), creator, call.body)

    def delete(self, call: Call[None]) -> None:
        self._webhooks.delete(call.require_business(), _id(call))

    def rotate_secret(self, call: Call[None]) -> NewWebhook:
        _user(call)
        return self._webhooks.rotate_secret(call.require_business(), _id(call))

    def send_test(self, call: Call[None]) -> None:
        self._webhooks.send_test(call.require_business(), _id(call))

    def enable(self, call: Call[None]) -> None:
        self._webhooks.get(call.require_business(), _id(call))
        self._webhooks.enable(call.require_business(), _id(call))

    def deliveries(self, call: Call[None]) -> DeliveryPage:
        return self._webhooks.deliveries(call.require_business(), _id(call), call.query)

    def replay(self, call: Call[None]) -> None:
        delivery_id = call.id_in_path("delivery_id", "delivery")
        self._webhooks.replay(call.require_business(), _id(call), delivery_id)

    def replay_dead(self, call: Call[None]) -> None:
        self._webhooks.replay(call.require_business(), _id(call), None)


def _id(call: Call[Any]) -> UUID:
    return call.id_in_path("webhook_id", "webhook")


def _user(call: Call[Any]) -> UUID:
    """Return the id of the user. Raises ApiError 403 for an API token, whose effect would outlive its revocation."""
    principal = call.require_principal()
    require_session(principal)
    return principal.user_id
