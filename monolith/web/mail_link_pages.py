"""Pages behind the links of mails: confirm an address, set a new password, accept an invitation.

Opening a link changes nothing, because mail programs open links by themselves; the form on the page does.
"""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug import Response

from monolith.modules.auth.invitations import Invitations
from monolith.modules.auth.member_models import AcceptInvitation, InvitationLink
from monolith.modules.auth.models import ConfirmEmail, ForgotPassword, ResetPassword
from monolith.modules.auth.module import Auth
from monolith.shared.endpoints import ApiError, Principal
from monolith.shared.endpoints.decoding import convert
from monolith.web.forms import Page, form_fields, signed_in, user_message
from monolith.web.language import language
from monolith.web.page_context import PageContextFactory


class MailLinkPages:
    """Forms over the services of auth. A rejected form is shown again, except the password."""

    def __init__(self, contexts: PageContextFactory, auth: Auth) -> None:
        self._contexts = contexts
        self._auth = auth
        self._invitations: Invitations = auth.invitations

    def add_to(self, pages: Blueprint) -> None:
        both = ["GET", "POST"]
        pages.add_url_rule("/confirm-email", "confirm_email", self.confirm_email, methods=both)
        pages.add_url_rule("/forgot-password", "forgot_password", self.forgot_password, methods=both)
        pages.add_url_rule("/reset-password", "reset_password", self.reset_password, methods=both)
        pages.add_url_rule("/invitation", "invitation", self.invitation, methods=both)

    def confirm_email(self) -> Page:
        token, user_id = self._token(), self._user_id()
        email, needs_password = self._auth.confirmation.open(token, user_id)
        values = {"token": token, "email": email, "needs_password": needs_password}
        if request.method == "GET":
            return self._render("confirm_email.html", **values)
        name, password = request.form.get("name", "").strip() or None, request.form.get("password") or None
        fields: dict[str, str | None] = {"token": token, "password": password, "name": name}
        try:
            body = convert(fields, ConfirmEmail)
            session = self._auth.confirmation.confirm(
                body.token,
                body.password,
                self._contexts.origin(),
                name=body.name,
                principal_id=user_id,
                replacing=self._session_id(),
            )
        except ApiError as error:
            return self._render("confirm_email.html", **values, problem=user_message(error)), error.status
        return signed_in(self._auth.cookies, session, url_for("pages.account", done="confirmed"))

    def forgot_password(self) -> Page:
        if request.method == "GET":
            return self._render("forgot_password.html", form={}, sent=False)
        try:
            body = convert(form_fields("email"), ForgotPassword)
            self._auth.resets.request(body.email, self._contexts.origin())
        except ApiError as error:
            problem = user_message(error)
            return self._render("forgot_password.html", form=request.form, sent=False, problem=problem), error.status
        return self._render("forgot_password.html", form=request.form, sent=True)

    def reset_password(self) -> Page:
        token = self._token()
        self._auth.resets.require_valid(token)
        if request.method == "GET":
            return self._render("reset_password.html", token=token)
        try:
            body = convert({"token": token, **form_fields("new_password")}, ResetPassword)
            origin, replacing = self._contexts.origin(), self._session_id()
            session = self._auth.resets.reset(body.token, body.new_password, origin, replacing)
        except ApiError as error:
            return self._render("reset_password.html", token=token, problem=user_message(error)), error.status
        return signed_in(self._auth.cookies, session, url_for("pages.account", done="password"))

    def invitation(self) -> Page:
        token = self._token()
        if request.method == "GET":
            return self._render_invitation(token)
        try:
            return self._accept(token)
        except ApiError as error:
            return self._render_invitation(token, user_message(error)), error.status

    def _accept(self, token: str) -> Response:
        user_id = self._user_id()
        if user_id is not None:
            found, _ = self._invitations.accept_as(token, user_id)
            return redirect(url_for("office.today", slug=found.slug), 303)
        fields = {"token": token, "name": request.form.get("name", "").strip() or None}
        body = convert({**fields, **form_fields("password")}, AcceptInvitation)
        found, session = self._invitations.accept_with_password(
            body.token, body.name, body.password or "", self._contexts.origin(), None, language()
        )
        return signed_in(self._auth.cookies, session, url_for("office.today", slug=found.slug))

    def _render_invitation(self, token: str, problem: str | None = None) -> str:
        found, has_account = self._invitations.open(token)
        user = self._auth.api.user(self._user_id() or UUID(int=0))
        return self._render(
            "invitation.html", token=token, invitation=found, has_account=has_account, user=user, problem=problem
        )

    def _token(self) -> str:
        """Return the token of the link. Raises ApiError 404 for a malformed one, like for an unknown one."""
        token: str = request.values.get("token", "")
        try:
            return convert({"token": token}, InvitationLink).token
        except ApiError:
            return ""

    def _principal(self) -> Principal | None:
        return self._contexts.principal()

    def _user_id(self) -> UUID | None:
        principal = self._principal()
        return principal.user_id if principal is not None and principal.session_id is not None else None

    def _session_id(self) -> UUID | None:
        principal = self._principal()
        return principal.session_id if principal is not None else None

    def _render(self, template: str, **values: object) -> str:
        return render_template(template, business=None, person=self._principal(), **values)
