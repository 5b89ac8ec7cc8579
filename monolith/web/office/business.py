"""The business itself: the first steps, its own data, and closing it."""

from uuid import UUID
from zoneinfo import available_timezones

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug import Response

from monolith.modules.auth.business_profile import ChangeBusiness
from monolith.modules.notifications.api import BusinessNotices
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import not_found
from monolith.shared.middleware import current_request_context
from monolith.web.office.staff_pages import Office, PageResponse, attempt, read_catalog, render, text_of, to
from monolith.web.page_context import PageContext

_ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
_LINES = ("phone", "address", "opening_hours", "picture_url")


class SettingsPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("", "businesses", self.businesses)
        pages.add_url_rule("/appointments/<uuid:business_id>/<uuid:appointment_id>", "linked", self.linked)
        self._office.add(pages, "/start", "start", self.start)
        self._office.add(pages, "/settings", "settings", self.settings)
        self._office.add(pages, "/settings", "change_business", self.change, ("POST",), owner=True)
        self._office.add(pages, "/notices", "set_notices", self.set_notices, ("POST",), owner=True)
        self._office.add(pages, "/close", "close", self.close, ("POST",), owner=True)

    def businesses(self) -> str | Response:
        """List the businesses that the caller works for; with one, open it."""
        principal = self._office.contexts.principal()
        if principal is None:
            return redirect(url_for("pages.sign_in_anywhere", next=url_for("office.businesses")), 303)
        ids = [business_id for business_id, role in principal.roles.items() if role in ("owner", "staff", "reader")]
        found = [each for business_id in ids if (each := self._office.auth.api.business(business_id)) is not None]
        if len(found) == 1:
            return redirect(url_for("office.today", slug=found[0].slug), 303)
        found.sort(key=lambda each: each.name)
        return render_template("office/businesses.html", business=None, person=principal, businesses=found)

    def linked(self, business_id: UUID, appointment_id: UUID) -> Response:
        """Redirect a link from a mail, which names the business by its id."""
        business = self._office.auth.api.business(business_id)
        if business is None:
            raise not_found("business")
        return redirect(url_for("office.appointment", slug=business.slug, appointment_id=appointment_id), 303)

    def start(self, page: PageContext) -> PageResponse:
        catalog = read_catalog(page)
        return render(
            page,
            "start.html",
            section="start",
            catalog=catalog,
            site=self._site(page),
            with_services=[each for each in catalog.active_providers if each.offering_ids],
            with_hours=[each for each in catalog.active_providers if each.weekly_hours or each.schedules],
        )

    def settings(self, page: PageContext) -> PageResponse:
        return self._settings(page)

    def change(self, page: PageContext) -> PageResponse:
        def action() -> PageResponse:
            fields: dict[str, object] = {name: text_of(name) for name in ("name", "zone", *_LINES)}
            fields["language"] = request.form.get("language") or page.business.details.language
            fields["email"] = text_of("email") or None
            fields["embedding_sites"] = text_of("embedding_sites").lower()
            fields["fixed_zone"] = "fixed_zone" in request.form
            fields["description"] = request.form.get("description", "").replace("\r\n", "\n").strip()
            context = current_request_context()
            wanted = convert(fields, ChangeBusiness)
            self._office.auth.profiles.change(page.business, wanted, context.trace, context.deadline)
            return to(page, "settings", "saved")

        return attempt(action, lambda problem: self._settings(page, problem))

    def set_notices(self, page: PageContext) -> PageResponse:
        wanted = BusinessNotices(**{name: name in request.form for name in BusinessNotices.__struct_fields__})
        self._office.notifications.set_business_notices(page.business.business_id, wanted)
        return to(page, "settings", "saved")

    def close(self, page: PageContext) -> PageResponse:
        closing = "reopen" not in request.form
        self._office.auth.profiles.set_closed(page.business, closing)
        return to(page, "settings", "closed" if closing else "reopened")

    def _site(self, page: PageContext) -> str:
        """Return the public address of the booking page."""
        return f"{self._office.auth.public_url.rstrip('/')}{url_for('pages.business', slug=page.business.slug)}"

    def _settings(self, page: PageContext, problem: str | None = None) -> str:
        notices = self._office.notifications.business_notices(page.business.business_id)
        return render(
            page,
            "settings.html",
            section="settings",
            zones=_ZONES,
            notices=notices,
            site=self._site(page),
            form=request.form,
            problem=problem,
        )
