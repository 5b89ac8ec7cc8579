"""The module's endpoints of the JSON API."""

from typing import Any
from uuid import UUID

from monolith.modules.notifications.model import BusinessNotices, MessagePage, MessagesQuery, Preferences
from monolith.modules.notifications.service import NotificationsService
from monolith.shared.endpoints import Access, AnyEndpoint, ApiError, Call, Endpoint
from monolith.shared.endpoints.errors import require_session

MODULE = "notifications"


def endpoints(service: NotificationsService) -> list[AnyEndpoint]:
    def get_preferences(call: Call[None]) -> Preferences:
        return service.preferences(call.require_business().business_id, _user_id(call))

    def put_preferences(call: Call[Preferences]) -> Preferences:
        return service.set_preferences(call.require_business().business_id, _user_id(call), call.body)

    def list_messages(call: Call[None]) -> MessagePage:
        query: MessagesQuery = call.query
        return service.messages(call.require_business().business_id, query.cursor, query.limit)

    return [
        *_notice_endpoints(service),
        Endpoint(
            module=MODULE, name="get_notification_preferences", method="GET",
            path="/businesses/{slug}/notification-preferences", access=Access.MEMBER,
            handler=get_preferences, reply=Preferences,
            summary="Return which e-mails the caller receives from the business",
        ),
        Endpoint(
            module=MODULE, name="set_notification_preferences", method="PUT",
            path="/businesses/{slug}/notification-preferences", access=Access.MEMBER,
            handler=put_preferences, body=Preferences, reply=Preferences,
            summary="Set which e-mails to receive from the business; omitted kinds are enabled",
        ),
        Endpoint(
            module=MODULE, name="list_messages", method="GET",
            path="/businesses/{slug}/messages", access=Access.STAFF,
            handler=list_messages, query=MessagesQuery, reply=MessagePage,
            summary="List the e-mails sent to the business's customers, newest first, with their delivery status",
        ),
    ]  # fmt: skip


def _notice_endpoints(service: NotificationsService) -> list[AnyEndpoint]:
    def get_notices(call: Call[None]) -> BusinessNotices:
        return service.business_notices(call.require_business().business_id)

    def set_notices(call: Call[BusinessNotices]) -> BusinessNotices:
        require_session(call.require_principal())
        return service.set_business_notices(call.require_business().business_id, call.body)

    return [
        Endpoint(
            module=MODULE, name="get_business_notices", method="GET", path="/businesses/{slug}/business-notices",
            access=Access.STAFF, handler=get_notices, reply=BusinessNotices,
            summary="Return which notifications the business receives by e-mail",
        ),
        Endpoint(
            module=MODULE, name="set_business_notices", method="PUT", path="/businesses/{slug}/business-notices",
            access=Access.OWNER, handler=set_notices, body=BusinessNotices, reply=BusinessNotices,
            summary="Set which notifications the business receives by e-mail; omitted kinds are disabled",
        ),
    ]  # fmt: skip


def _user_id(call: Call[Any]) -> UUID:
    if call.require_principal().kind != "user":
        raise ApiError(403, "forbidden", "API tokens receive no e-mail and have no preferences. Sign in as a user.")
    return call.require_principal().user_id
