"""The endpoints for the own account: confirmation, password, sessions, profile."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from msgspec import UnsetType

from monolith.modules.auth import models
from monolith.modules.auth.calls import origin_of, require_user, user_reply
from monolith.modules.auth.confirmation import EmailConfirmation
from monolith.modules.auth.cookie import Cookies
from monolith.modules.auth.password_reset import PasswordResets
from monolith.modules.auth.profiles import OwnAccount
from monolith.modules.auth.sessions import NewSession, Sessions
from monolith.shared.endpoints import Access, AnyEndpoint, Call, Endpoint

MODULE = "auth"


@dataclass(frozen=True, slots=True)
class AccountServices:
    """The services that the handlers use."""

    sessions: Sessions
    confirmation: EmailConfirmation
    resets: PasswordResets
    own_account: OwnAccount
    cookies: Cookies


def account_endpoints(services: AccountServices) -> list[AnyEndpoint]:
    handlers = _Handlers(services)
    return [*_mail_endpoints(handlers), *_own_endpoints(handlers), *_session_endpoints(handlers)]


def _mail_endpoints(handlers: "_Handlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=MODULE, name="confirm_email", method="POST", path="/confirm-email", access=Access.PUBLIC,
            handler=handlers.confirm_email, body=models.ConfirmEmail, reply=models.User,
            summary="Confirm an e-mail address with the token of the mail, and sign in",
            errors=[(400, "password_required"), (403, "wrong_password"), (404, "not_found"), (409, "email_in_use"),
                    (409, "signed_in_as_another"), (429, "too_many_attempts")],
        ),
        Endpoint(
            module=MODULE, name="resend_confirmation", method="POST", path="/me/confirmation-mail",
            access=Access.SESSION, handler=handlers.resend, reply=None,
            summary="Send another mail to the address that is to be confirmed",
        ),
        Endpoint(
            module=MODULE, name="forgot_password", method="POST", path="/password-resets", access=Access.PUBLIC,
            handler=handlers.forgot_password, body=models.ForgotPassword, reply=None,
            summary="Send a mail for setting a new password, if the address has an account",
            errors=[(429, "too_many_attempts")],
        ),
        Endpoint(
            module=MODULE, name="reset_password", method="POST", path="/password-resets/use", access=Access.PUBLIC,
            handler=handlers.reset_password, body=models.ResetPassword, reply=models.User,
            summary="Set a new password with the token of the mail, end sessions, tokens and invitations, and sign in",
            errors=[(404, "not_found")],
        ),
    ]  # fmt: skip


def _own_endpoints(handlers: "_Handlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=MODULE, name="change_profile", method="PATCH", path="/me", access=Access.SESSION,
            handler=handlers.change_profile, body=models.ChangeProfile, reply=None,
            summary="Change the own name or language",
        ),
        Endpoint(
            module=MODULE, name="delete_account", method="POST", path="/me/delete", access=Access.SESSION,
            handler=handlers.delete_account, body=models.DeleteAccount, reply=None,
            summary="Delete the own account; not while it is the only owner of a business",
            errors=[(403, "wrong_password"), (409, "last_owner"), (429, "too_many_attempts")],
        ),
        Endpoint(
            module=MODULE, name="export_account", method="GET", path="/me/export", access=Access.SESSION,
            handler=handlers.export_account, reply=models.AccountExport,
            summary="Return everything that is stored about the own account",
        ),
        Endpoint(
            module=MODULE, name="change_email", method="POST", path="/me/email", access=Access.SESSION,
            handler=handlers.change_email, body=models.ChangeEmail, reply=None,
            summary="Send a mail to a new e-mail address, which counts once it is confirmed",
            errors=[(403, "wrong_password"), (429, "too_many_attempts")],
        ),
        Endpoint(
            module=MODULE, name="change_password", method="POST", path="/me/password", access=Access.SESSION,
            handler=handlers.change_password, body=models.ChangePassword, reply=None,
            summary="Change the password and end all other sessions",
            errors=[(403, "wrong_password"), (429, "too_many_attempts")],
        ),
    ]  # fmt: skip


def _session_endpoints(handlers: "_Handlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=MODULE, name="list_sessions", method="GET", path="/me/sessions", access=Access.SESSION,
            handler=handlers.list_sessions, reply=models.SessionList, summary="List the own active sessions",
        ),
        Endpoint(
            module=MODULE, name="end_session", method="DELETE", path="/me/sessions/{session_id}",
            access=Access.SESSION, handler=handlers.end_session, reply=None, summary="End one of the own sessions",
            errors=[(404, "not_found")],
        ),
        Endpoint(
            module=MODULE, name="end_other_sessions", method="DELETE", path="/me/sessions", access=Access.SESSION,
            handler=handlers.end_other_sessions, reply=None, summary="End all own sessions but the current one",
        ),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, services: AccountServices) -> None:
        self._services = services

    def confirm_email(self, call: Call[models.ConfirmEmail]) -> models.User:
        signed_in = call.principal if call.principal and call.principal.session_id else None
        confirmed = self._services.confirmation.confirm(
            call.body.token,
            call.body.password,
            origin_of(call),
            name=call.body.name,
            principal_id=signed_in.user_id if signed_in else None,
            replacing=signed_in.session_id if signed_in else None,
        )
        return self._signed_in(call, confirmed)

    def resend(self, call: Call[None]) -> None:
        self._services.confirmation.resend(_user(call)[0])

    def forgot_password(self, call: Call[models.ForgotPassword]) -> None:
        self._services.resets.request(call.body.email, origin_of(call))

    def reset_password(self, call: Call[models.ResetPassword]) -> models.User:
        replacing = call.principal.session_id if call.principal else None
        session = self._services.resets.reset(call.body.token, call.body.new_password, origin_of(call), replacing)
        return self._signed_in(call, session)

    def change_profile(self, call: Call[models.ChangeProfile]) -> None:
        user_id, _ = _user(call)
        if not isinstance(call.body.name, UnsetType):
            self._services.own_account.rename(user_id, call.body.name)
        if not isinstance(call.body.language, UnsetType):
            self._services.own_account.set_language(user_id, call.body.language)

    def delete_account(self, call: Call[models.DeleteAccount]) -> None:
        self._services.own_account.delete(_user(call)[0], call.body.current_password)
        call.reply_headers.append(self._services.cookies.signed_out())

    def export_account(self, call: Call[None]) -> models.AccountExport:
        return self._services.own_account.export(*_user(call))

    def change_email(self, call: Call[models.ChangeEmail]) -> None:
        self._services.confirmation.request_change(_user(call)[0], call.body.current_password, call.body.email)

    def change_password(self, call: Call[models.ChangePassword]) -> None:
        current, new = call.body.current_password, call.body.new_password
        device = self._services.sessions.change_password(*_user(call), current, new)
        call.reply_headers.append(self._services.cookies.device(device))

    def list_sessions(self, call: Call[None]) -> models.SessionList:
        return models.SessionList(sessions=tuple(self._services.sessions.active(*_user(call))))

    def end_session(self, call: Call[None]) -> None:
        self._services.sessions.end(_user(call)[0], call.id_in_path("session_id", "session"))

    def end_other_sessions(self, call: Call[None]) -> None:
        self._services.sessions.end_others(*_user(call))

    def _signed_in(self, call: Call[Any], session: NewSession) -> models.User:
        call.reply_headers += self._services.cookies.signed_in(session)
        return user_reply(session.user)


def _user(call: Call[Any]) -> tuple[UUID, UUID]:
    return require_user(call.require_principal())
