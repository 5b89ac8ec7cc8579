"""The module's part of the JSON API."""

from typing import Any
from uuid import UUID

from monolith.modules.notifications.model import MessagePage, MessagesQuery, Preferences
from monolith.modules.notifications.service import NotificationsService
from monolith.shared.endpoints import Access, AnyEndpoint, ApiError, Call, Endpoint

MODULE = "notifications"


def endpoints(service: NotificationsService) -> list[AnyEndpoint]:
    def get_preferences(call: Call[None]) -> Preferences:
        return service.preferences(call.require_business().business_id, _person(call))

    def put_preferences(call: Call[Preferences]) -> Preferences:
        return service.set_preferences(call.require_business().business_id, _person(call), call.body)

    def list_messages(call: Call[None]) -> MessagePage:
        query: MessagesQuery = call.query
        return service.messages(call.require_business().business_id, query.cursor, query.limit)

    return [
        Endpoint(
            module=MODULE, name="get_notification_preferences", method="GET",
            path="/businesses/{slug}/notification-preferences", access=Access.MEMBER,
            handler=get_preferences, reply=Preferences,
            summary="Which mails the caller gets from the business.",
        ),
        Endpoint(
            module=MODULE, name="set_notification_preferences", method="PUT",
            path="/businesses/{slug}/notification-preferences", access=Access.MEMBER,
            handler=put_preferences, body=Preferences, reply=Preferences,
            summary="Choose which mails to get from the business; kinds left out are wanted.",
        ),
        Endpoint(
            module=MODULE, name="list_messages", method="GET",
            path="/businesses/{slug}/messages", access=Access.STAFF,
            handler=list_messages, query=MessagesQuery, reply=MessagePage,
            summary="The mails to the business's customers, newest first, and what became of them.",
        ),
    ]  # fmt: skip


def _person(call: Call[Any]) -> UUID:
    if call.require_principal().kind != "user":
        raise ApiError(403, "forbidden", "A token gets no mail, so it has no preferences; sign in as a person.")
    return call.require_principal().user_id
