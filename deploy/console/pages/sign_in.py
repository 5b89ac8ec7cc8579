"""Signing in and out, with an account of the product that has a role."""

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug import Response

from deploy.console.access import ConsoleAuthorizer
from deploy.console.pages.layout import Layout
from monolith.modules.auth.cookie import Cookies
from monolith.modules.auth.sessions import Sessions
from monolith.shared.endpoints import ApiError
from monolith.web.page_context import local_path

Page = str | Response | tuple[str, int]


class SignInPages:
    def __init__(self, layout: Layout, authorizer: ConsoleAuthorizer, sessions: Sessions, cookies: Cookies) -> None:
        self._layout, self._authorizer = layout, authorizer
        self._sessions, self._cookies = sessions, cookies

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/sign-in", "sign_in", self.sign_in, methods=["GET", "POST"])
        pages.add_url_rule("/sign-out", "sign_out", self.sign_out, methods=["POST"])

    def sign_in(self) -> Page:
        after = local_path(request.values.get("next", ""), url_for("ops.overview"))
        if request.method == "GET":
            return self._form(after)
        email = request.form.get("email", "").strip()
        try:
            before = self._authorizer.operator()
            session = self._sessions.log_in(
                email,
                request.form.get("password", ""),
                self._authorizer.origin(request),
                before.principal.session_id if before else None,
            )
        except ApiError as error:
            return self._form(after, error.message), error.status
        found = self._sessions.by_session(session.secret)
        if found is None or not (found.is_operator or found.is_viewer):
            self._authorizer.record_denial(f"{session.user.email} has no role")
            if found is not None and found.session_id is not None:
                self._sessions.log_out(found.session_id)
            return self._form(after, "This account has no role here: `extraction operator add` grants one."), 403
        response = make_response(redirect(after, 303))
        for header in self._cookies.signed_in(session):
            response.headers.add(*header)
        return response

    def sign_out(self) -> Response:
        operator = self._authorizer.operator()
        if operator is not None and operator.principal.session_id is not None:
            self._sessions.log_out(operator.principal.session_id)
        response = make_response(redirect(url_for("ops.sign_in"), 303))
        response.headers.add(*self._cookies.signed_out())
        return response

    def _form(self, after: str, problem: str | None = None) -> str:
        operator = self._authorizer.operator() if request.method == "GET" else None
        return self._layout.render("ops/sign_in.html", after=after, problem=problem, email=operator and operator.email)
