"""The other calendars of a provider: feeds that show appointments there, and imports that block their times here."""

from uuid import UUID

from flask import Blueprint, request

from contracts.scheduling import models as m
from monolith.modules.calendars.api import CreateFeed, CreateImport, NewFeed
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import invalid_request, not_found
from monolith.shared.localization import N_
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

        self._office.add(pages, f"{_CONNECTIONS}/imports", "add_import", self.add_import, ("POST",))
        self._office.add(pages, f"{_CONNECTIONS}/imports/<action>", "change_import", self.change_import, ("POST",))

    def connections(self, page: PageContext, provider_id: UUID) -> PageResponse:
        return self._render(page, provider_id)

    def create_feed(self, page: PageContext, provider_id: UUID) -> PageResponse:
        """Create a feed, and show its address once, in the answer to the form."""
        _provider(page, provider_id)

        def action() -> PageResponse:
            fields = {"provider_id": provider_id, "name": text_of("name"), "detail": request.form.get("detail", "")}
            wanted = convert(fields, CreateFeed)
            created = self._office.calendars.feeds.create(page.business, page.require_principal(), wanted)
            return self._render(page, provider_id, created=created)

        return attempt(action, lambda problem: self._render(page, provider_id, problem))

    def revoke_feed(self, page: PageContext, provider_id: UUID) -> PageResponse:
        feed_id = id_in(request.form, "feed") or _NO_ID
        self._office.calendars.feeds.revoke(page.business, page.require_principal(), feed_id)
        return to(page, "connections", "revoked", provider_id=provider_id)

    def add_import(self, page: PageContext, provider_id: UUID) -> PageResponse:
        """Import a calendar by its address or, without one, from the file in the form."""
        _provider(page, provider_id)

        def action() -> PageResponse:
            fields: dict[str, object] = {"provider_id": provider_id, "name": text_of("name")}
            if url := text_of("url"):
                fields["url"] = url
            else:
                fields["content"] = _file()
            imports, user_id = self._office.calendars.imports, page.require_principal().user_id
            imports.create(page.business, user_id, convert(fields, CreateImport))
            return to(page, "connections", "imported", provider_id=provider_id)

        return attempt(action, lambda problem: self._render(page, provider_id, problem))

    def change_import(self, page: PageContext, provider_id: UUID, action: str) -> PageResponse:
        imports, import_id = self._office.calendars.imports, id_in(request.form, "import") or _NO_ID
        if action == "remove":
            imports.remove(page.business, import_id)
        else:
            imports.refresh(page.business, import_id)
        done = "removed" if action == "remove" else "refreshed"
        return to(page, "connections", done, provider_id=provider_id)

    def _render(
        self, page: PageContext, provider_id: UUID, problem: str | None = None, created: NewFeed | None = None
    ) -> str:
        provider = _provider(page, provider_id)
        feeds = self._office.calendars.feeds.visible(page.business, page.require_principal(), provider_id)
        names = self._office.auth.api.customer_names(page.business.business_id, {each.created_by for each in feeds})
        return render(
            page,
            "connections.html",
            section="providers",
            provider=provider,
            feeds=feeds,
            names=names,
            imports=self._office.calendars.imports.of_business(page.business, provider_id),
            form=request.form,
            created=created,
            problem=problem,
        )


def _file() -> str:
    """Return the file in the form. Raises ApiError 400."""
    file = request.files.get("file")
    content = file.read() if file is not None else b""
    if not content:
        raise invalid_request(N_("Please enter the address of a calendar, or choose a file."))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid_request(N_("Please choose a calendar file; its name ends in .ics.")) from None


def _provider(page: PageContext, provider_id: UUID) -> m.Provider:
    found = read_catalog(page).provider(provider_id)
    if found is None:
        raise not_found("provider")
    return found
