"""The module's endpoints of the JSON API."""

from uuid import UUID

from contracts.scheduling import models as m
from contracts.scheduling.context import ANONYMOUS, CallContext
from contracts.scheduling.errors import ProviderNotFound
from contracts.scheduling.port import SchedulingPort
from monolith.modules.calendars.feed_models import CreateFeed, FeedList, NewFeed
from monolith.modules.calendars.feeds import Feeds
from monolith.modules.calendars.import_models import BusyImport, BusyImportList, CreateImport
from monolith.modules.calendars.imports import BusyImports
from monolith.shared.endpoints import Access, AnyEndpoint, Call, Endpoint
from monolith.shared.endpoints.errors import require_session

MODULE = "calendars"
_IMPORTS = "/businesses/{slug}/calendar-imports"
_FEEDS = "/businesses/{slug}/calendar-feeds"


def endpoints(feeds: Feeds, imports: BusyImports, port: SchedulingPort) -> list[AnyEndpoint]:
    return [*_feed_endpoints(_FeedHandlers(feeds, port)), *_import_endpoints(_ImportHandlers(imports, port))]


def _feed_endpoints(handlers: "_FeedHandlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=MODULE, name="list_calendar_feeds", method="GET", path=_FEEDS, access=Access.MEMBER,
            handler=handlers.list_feeds, reply=FeedList,
            summary="List the caller's private calendar feeds and, for staff, those of all providers",
        ),
        Endpoint(
            module=MODULE, name="create_calendar_feed", method="POST", path=_FEEDS, access=Access.MEMBER,
            handler=handlers.create_feed, body=CreateFeed, reply=NewFeed, status=201,
            summary="Create a private calendar feed; its addresses are returned only once",
            errors=[(403, "email_unconfirmed"), (404, "provider_not_found"), (409, "too_many_feeds")],
        ),
        Endpoint(
            module=MODULE, name="revoke_calendar_feed", method="DELETE", path=_FEEDS + "/{feed_id}",
            access=Access.MEMBER, handler=handlers.revoke_feed, reply=None,
            summary="Revoke a calendar feed; its addresses stop working immediately", errors=[(404, "not_found")],
        ),
    ]  # fmt: skip


def _import_endpoints(handlers: "_ImportHandlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=MODULE, name="list_calendar_imports", method="GET", path=_IMPORTS, access=Access.STAFF,
            handler=handlers.list_imports, reply=BusyImportList,
            summary="List the calendars whose busy times block providers",
        ),
        Endpoint(
            module=MODULE, name="create_calendar_import", method="POST", path=_IMPORTS, access=Access.STAFF,
            handler=handlers.create_import, body=CreateImport, reply=BusyImport, status=201,
            summary="Block a provider at the busy times of an .ics file, given by its address or its content",
            errors=[(404, "provider_not_found"), (409, "too_many_imports"), (429, "too_many_attempts")],
        ),
        Endpoint(
            module=MODULE, name="remove_calendar_import", method="DELETE", path=_IMPORTS + "/{import_id}",
            access=Access.STAFF, handler=handlers.remove_import, reply=None,
            summary="Remove an imported calendar and the times that it blocks", errors=[(404, "not_found")],
        ),
    ]  # fmt: skip


class _ImportHandlers:
    def __init__(self, imports: BusyImports, port: SchedulingPort) -> None:
        self._imports = imports
        self._port = port

    def list_imports(self, call: Call[None]) -> BusyImportList:
        return BusyImportList(imports=tuple(self._imports.of_business(call.require_business())))

    def create_import(self, call: Call[CreateImport]) -> BusyImport:
        business, principal = call.require_business(), call.require_principal()
        require_session(principal)
        context = CallContext(business.business_id, ANONYMOUS, call.deadline, call.trace)
        require_provider(self._port, context, call.body.provider_id)
        return self._imports.create(business, principal.user_id, call.body)

    def remove_import(self, call: Call[None]) -> None:
        self._imports.remove(call.require_business(), call.id_in_path("import_id", "imported calendar"))


class _FeedHandlers:
    def __init__(self, feeds: Feeds, port: SchedulingPort) -> None:
        self._feeds = feeds
        self._port = port

    def list_feeds(self, call: Call[None]) -> FeedList:
        return FeedList(feeds=tuple(self._feeds.visible(call.require_business(), call.require_principal())))

    def create_feed(self, call: Call[CreateFeed]) -> NewFeed:
        business = call.require_business()
        if call.body.provider_id is not None:
            context = CallContext(business.business_id, ANONYMOUS, call.deadline, call.trace)
            require_provider(self._port, context, call.body.provider_id)
        return self._feeds.create(business, call.require_principal(), call.body)

    def revoke_feed(self, call: Call[None]) -> None:
        feed_id = call.id_in_path("feed_id", "calendar feed")
        self._feeds.revoke(call.require_business(), call.require_principal(), feed_id)


def require_provider(port: SchedulingPort, context: CallContext, provider_id: UUID) -> None:
    """Raise ProviderNotFound unless the business has the provider."""
    found = port.list_providers(context, m.ListProviders()).providers
    if provider_id not in {each.provider_id for each in found}:
        raise ProviderNotFound("This business has no such provider.")
