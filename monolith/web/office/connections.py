"""The other calendars of a provider: feeds that show the appointments there."""

from uuid import UUID

from flask import Blueprint, request

from contracts.scheduling import models as m
from monolith.modules.calendars.api import CreateFeed, NewFeed
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import not_found
from monolith.web.office.staff_pages import Office, PageResponse, attempt, id_in, read_catalog, render, text_of, to
from monolith.web.page_context import PageContext

_CONNECTIONS = "/providers/<uuid:provider_id>/calendars"
_NO_ID = UUID(int=0)


class ConnectionPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, _CONNECTIONS, "connections", self.connections)
        self._office.add(pages, f"{_CONNECTIONS}/feeds", "create_feed", self.create_feed, ("POST",))
        self._office.add(pages, f"{_CONNECTIONS}/feeds/revoke", "revoke_feed", self.revoke_feed, ("POST",))

    def connections(self, page: PageContext, provider_id: UUID) -> PageResponse:
        return self._render(page, provider_id)

    def create_feed(self, page: PageContext, provider_id: UUID) -> PageResponse:
        """Create a feed, and show its address once, in the answer to the form."""
        _provider(page, provider_id)

        def action() -> PageResponse:
            fields = {"provider_id": provider_id, "name": text_of("name"), "detail": request.form.get("detail", "")}
            wanted = convert(fields, CreateFeed)
            created = self._office.feeds.create(page.business, page.require_principal(), wanted)
            return self._render(page, provider_id, created=created)

        return attempt(action, lambda problem: self._render(page, provider_id, problem))

    def revoke_feed(self, page: PageContext, provider_id: UUID) -> PageResponse:
        feed_id = id_in(request.form, "feed") or _NO_ID
        self._office.feeds.revoke(page.business, page.require_principal(), feed_id)
        return to(page, "connections", "revoked", provider_id=provider_id)

    def _render(
        self, page: PageContext, provider_id: UUID, problem: str | None = None, created: NewFeed | None = None
    ) -> str:
        provider = _provider(page, provider_id)
        feeds = self._office.feeds.visible(page.business, page.require_principal(), provider_id)
        names = self._office.auth.api.customer_names(page.business.business_id, {each.created_by for each in feeds})
        return render(
            page,
            "connections.html",
            section="providers",
            provider=provider,
            feeds=feeds,
            names=names,
            created=created,
            problem=problem,
        )


def _provider(page: PageContext, provider_id: UUID) -> m.Provider:
    found = read_catalog(page).provider(provider_id)
    if found is None:
        raise not_found("provider")
    return found
