"""The page of the own account: name, e-mail address, password, sessions, data."""

from collections.abc import Callable
from uuid import UUID

import msgspec
from flask import Blueprint, make_response, redirect, render_template, request, url_for
from msgspec import Struct
from werkzeug import Response

from contracts.chassis.values import Name
from monolith.modules.auth.models import ChangeEmail, ChangePassword, DeleteAccount
from monolith.modules.auth.module import Auth
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.decoding import convert
from monolith.shared.localization import N_
from monolith.web.forms import Page, form_fields, user_message
from monolith.web.language import gettext
from monolith.web.page_context import PageContextFactory

_DONE = {
    "confirmed": N_("Your e-mail address is confirmed."),
    "password": N_("Your password is changed, and all other devices are signed out."),
    "name": N_("Your name is changed."),
    "email": N_("We have sent a mail to the new address. Open its link to confirm the address."),
    "mail": N_("We have sent the mail again."),
    "session": N_("The device is signed out."),
    "sessions": N_("All other devices are signed out."),
}


class NewName(Struct, frozen=True, kw_only=True):
    name: Name


class OwnAccountPages:
    """Forms over the services of auth. A rejected form leads back to the page, with the reason."""

    def __init__(self, contexts: PageContextFactory, auth: Auth) -> None:
        self._contexts = contexts
        self._auth = auth

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/account", "account", self.account)
        pages.add_url_rule("/account/export", "export_account", self.export)
        for path, name, handler in (
            ("name", "change_name", self.change_name),
            ("email", "change_email", self.change_email),
            ("confirmation-mail", "resend_confirmation", self.resend_confirmation),
            ("password", "change_password", self.change_password),
            ("sessions/end", "end_session", self.end_session),
            ("sessions/end-others", "end_other_sessions", self.end_other_sessions),
            ("delete", "delete_account", self.delete),
        ):
            pages.add_url_rule(f"/account/{path}", name, handler, methods=["POST"])

    def account(self) -> Page:
        principal = self._contexts.principal()
        if principal is None or principal.session_id is None:
            return redirect(url_for("pages.sign_in_anywhere", next=url_for("pages.account")), 303)
        return self._render()

    def change_name(self) -> Page:
        user_id, _ = self._contexts.require_session()
        return self._run(
            "name", lambda: self._auth.own_account.rename(user_id, convert(form_fields("name"), NewName).name)
        )

    def change_email(self) -> Page:
        user_id, _ = self._contexts.require_session()

        def change() -> None:
            body = convert(form_fields("email", "current_password"), ChangeEmail)
            self._auth.confirmation.request_change(user_id, body.current_password, body.email)

        return self._run("email", change)

    def resend_confirmation(self) -> Page:
        user_id, _ = self._contexts.require_session()
        return self._run("mail", lambda: self._auth.confirmation.resend(user_id))

    def change_password(self) -> Page:
        user_id, session_id = self._contexts.require_session()
        try:
            body = convert(form_fields("current_password", "new_password"), ChangePassword)
            device = self._auth.sessions.change_password(user_id, session_id, body.current_password, body.new_password)
        except ApiError as error:
            return self._render(user_message(error)), error.status
        response = make_response(redirect(url_for("pages.account", done="password"), 303))
        response.headers.add(*self._auth.cookies.device(device))
        return response

    def end_session(self) -> Page:
        user_id, _ = self._contexts.require_session()
        return self._run("session", lambda: self._auth.sessions.end(user_id, _id(request.form.get("session", ""))))

    def end_other_sessions(self) -> Page:
        user_id, session_id = self._contexts.require_session()
        return self._run("sessions", lambda: self._auth.sessions.end_others(user_id, session_id))

    def export(self) -> Response:
        """Send the data of the account as a file."""
        exported = self._auth.own_account.export(*self._contexts.require_session())
        response = make_response(msgspec.json.format(msgspec.json.encode(exported)))
        response.headers["Content-Type"] = "application/json"
        response.headers["Content-Disposition"] = 'attachment; filename="account.json"'
        return response

    def delete(self) -> Page:
        user_id, _ = self._contexts.require_session()
        try:
            body = convert(form_fields("current_password"), DeleteAccount)
            self._auth.own_account.delete(user_id, body.current_password)
        except ApiError as error:
            return self._render(user_message(error)), error.status
        response = make_response(redirect(url_for("pages.home"), 303))
        response.headers.add(*self._auth.cookies.signed_out())
        return response

    def _run(self, done: str, change: Callable[[], None]) -> Page:
        try:
            change()
        except ApiError as error:
            return self._render(user_message(error)), error.status
        return redirect(url_for("pages.account", done=done), 303)

    def _render(self, problem: str | None = None) -> str:
        user_id, session_id = self._contexts.require_session()
        done = _DONE.get(request.args.get("done", ""))
        return render_template(
            "account.html",
            business=None,
            person=self._contexts.principal(),
            account=self._auth.own_account.export(user_id, session_id),
            done=gettext(done) if done and problem is None else None,
            problem=problem,
        )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
