"""The page on which a customer chooses the e-mails of a business."""

from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from monolith.modules.notifications.api import NotificationsApi, Preferences
from monolith.shared.endpoints.errors import unauthenticated
from monolith.web.page_context import PageContext, PageContextFactory

_PATH = "/b/<slug>/e-mails"


class PreferencePages:
    def __init__(self, contexts: PageContextFactory, notifications: NotificationsApi) -> None:
        self._contexts = contexts
        self._notifications = notifications

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule(_PATH, "preferences", self.preferences)
        pages.add_url_rule(_PATH, "set_preferences", self.change, methods=["POST"])

    def preferences(self, slug: str) -> str | Response:
        page = self._contexts.for_business(slug)
        if page.signed_in_id is None or not page.is_member():
            return page.to_sign_in()
        wanted = self._notifications.preferences(page.business.business_id, page.signed_in_id)
        return page.render("preferences.html", wanted=wanted, done="done" in request.args)

    def change(self, slug: str) -> Response:
        page = self._contexts.for_business(slug)
        wanted = Preferences(**{name: name in request.form for name in Preferences.__struct_fields__})
        self._notifications.set_preferences(page.business.business_id, _user_of(page), wanted)
        return redirect(url_for("pages.preferences", slug=slug, done=1), 303)


def _user_of(page: PageContext) -> UUID:
    if page.signed_in_id is None or not page.is_member():
        raise unauthenticated()
    return page.signed_in_id
