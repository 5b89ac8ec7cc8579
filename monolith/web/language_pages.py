"""The form with which a person chooses the language of the pages."""

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug import Response

from monolith.modules.auth.module import Auth
from monolith.shared.endpoints.errors import invalid_request
from monolith.shared.localization import N_, as_language
from monolith.web.page_context import PageContextFactory, local_path


class LanguagePages:
    """The choice is kept in a cookie and, for a signed-in user, in the account, whose mails it concerns too."""

    def __init__(self, contexts: PageContextFactory, auth: Auth) -> None:
        self._contexts = contexts
        self._auth = auth

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/language", "choose_language", self.choose, methods=["POST"])

    def choose(self) -> Response:
        """Return to the page on which the form was."""
        chosen = as_language(request.form.get("language"))
        if chosen is None:
            raise invalid_request(N_("Please choose one of the languages."), "language")
        principal = self._contexts.principal()
        if principal is not None and principal.session_id is not None:
            self._auth.own_account.set_language(principal.user_id, chosen)
        after = local_path(request.form.get("next", ""), url_for("pages.home"))
        response = make_response(redirect(after, 303))
        response.headers.add(*self._auth.cookies.language(chosen))
        return response
