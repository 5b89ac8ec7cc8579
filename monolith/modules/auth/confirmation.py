"""Confirmation of e-mail addresses, by links that only the owner of the mailbox receives."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from monolith.modules.auth import credentials
from monolith.modules.auth.origin import Origin
from monolith.modules.auth.password_check import PasswordCheck
from monolith.modules.auth.passwords import Passwords
from monolith.modules.auth.repository import account_mails, accounts, invitations, mail_tokens, sessions, tokens
from monolith.modules.auth.repository.account_mails import MailKind
from monolith.modules.auth.repository.accounts import Account
from monolith.modules.auth.repository.mail_tokens import MailToken
from monolith.modules.auth.sessions import NewSession, Sessions
from monolith.modules.auth.throttle import CHANGE_OF_EMAIL, PASSWORD_OF_ACCOUNT, Throttle
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.errors import not_found
from monolith.shared.localization import N_

LINK_VALID_FOR = timedelta(hours=24)
UNCONFIRMED_ACCOUNT_VALID_FOR = timedelta(days=7)


class EmailConfirmation:
    """Confirms the addresses of new accounts, and changes of the address of existing ones.

    Anyone may have signed up with the address, so several accounts may wait for it, and a link proves only that its
    holder reads the mail of the address. It confirms the signed-in account, if that waits for the address; else the
    account that waits for it and has the given password. Without such an account, the password becomes that of the
    account that the link was made for: a take-over, with which its previous password and all its sessions end. Other
    sign-ups with the address end in any case. A changed address cannot take over an account: it may have been mistyped,
    so the link takes the session or the password of the account.
    """

    def __init__(
        self,
        database: ModuleDatabase,
        passwords: Passwords,
        throttle: Throttle,
        password_check: PasswordCheck,
        sessions: Sessions,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._password_check = password_check
        self._sessions = sessions

    def open(self, secret: str, user_id: UUID | None) -> tuple[str, bool]:
        """Return the address of a link, and whether `confirm` needs a password of this signed-in user, or of None.

        Raises ApiError 404.
        """
        token, _ = self._account_of(secret)
        return token.email, not self._awaits(user_id, token.email)

    def confirm(
        self,
        secret: str,
        password: str | None,
        origin: Origin,
        *,
        name: str | None = None,
        principal_id: UUID | None = None,
        replacing: UUID | None = None,
    ) -> NewSession:
        """Confirm the address that the link was sent to, and return a new session of its account.

        An account that is taken over gets this `name`, or the part of the address before the `@`, and the mails that
        were held for it are dropped: a stranger may have caused them. `principal_id` is the signed-in user, `replacing`
        the session of the browser, which the new one replaces.

        Raises ApiError 404 for a link that is unknown, expired or used, 400 if a password is needed, 403 if it is
        wrong, 409 if another account has confirmed the address, or if the link would take an account over while another
        user is signed in, and 429 after too many wrong passwords.
        """
        token, account = self._account_of(secret)
        taken_over = False
        if principal_id is not None and self._awaits(principal_id, token.email):
            account = self._require_account(principal_id)
        else:
            account, taken_over = self._prove(token, account, password, signed_in=principal_id is not None)
        ended: list[UUID] = []
        with self._database.transaction() as connection:
            waiting = MailToken(account.user.user_id, token.email)
            confirm_address(connection, waiting, ended, taken_over=taken_over)
            if taken_over:
                account = _renamed(account, name or token.email.partition("@")[0])
                accounts.rename(connection, account.user.user_id, account.user.name)
                accounts.replace_password(connection, account.user.user_id, account.password_hash)
                accounts.end_links(connection, account.user.user_id)
                ended += sessions.end_all(connection, [account.user.user_id])
                ended += tokens.revoke_of_creators(connection, [account.user.user_id])
            session = self._sessions.begin(connection, account, origin, replacing)
        self._sessions.report_ended(ended)
        return session

    def confirm_by_operator(self, email: str) -> None:
        """See `AuthApi.confirm_email`."""
        email = email.lower()
        ended: list[UUID] = []
        with self._database.transaction() as connection:
            waiting = accounts.newest_unconfirmed(connection, email, limit=1)
            if waiting:
                confirm_address(connection, MailToken(waiting[0].user.user_id, email), ended)
            elif accounts.by_email(connection, email) is None:
                raise ApiError(404, "not_found", f"No account has the address {email}.")
        self._sessions.report_ended(ended)

    def resend(self, user_id: UUID) -> None:
        """Mail another link for the address that the account waits for, if there is one."""
        with self._database.transaction() as connection:
            waiting = mail_tokens.awaited_address(connection, user_id)
            if waiting is not None:
                account = accounts.by_id(connection, user_id)
                kind = _kind_of_mail(confirmed=account is not None and account.user.confirmed)
                account_mails.enqueue(connection, kind, waiting, user_id)

    def request_change(self, user_id: UUID, password: str, email: str) -> None:
        """Mail a link to a new address, which replaces the current one when it is confirmed.

        The answer does not depend on whether the address has an account. Raises ApiError 403 for a wrong password, and
        429 after too many.
        """
        email = email.lower()
        account = self._sessions.require_password(user_id, password)
        self._throttle.charge((CHANGE_OF_EMAIL, str(user_id)))
        with self._database.transaction() as connection:
            mail_tokens.request_change(connection, user_id, email)
            kind = _kind_of_mail(confirmed=account.user.confirmed)
            account_mails.enqueue(connection, kind, email, user_id)
            if account.user.confirmed:
                account_mails.enqueue(connection, "email_change_notice", account.user.email, user_id)

    def _account_of(self, secret: str) -> tuple[MailToken, Account]:
        with self._database.transaction() as connection:
            token = mail_tokens.find(connection, "confirm", credentials.hash_secret(secret))
            account = accounts.by_id(connection, token.user_id) if token else None
        if token is None or account is None:
            raise invalid_link()
        return token, account

    def _awaits(self, user_id: UUID | None, email: str) -> bool:
        """Return whether the user's account waits for the confirmation of this address."""
        if user_id is None:
            return False
        with self._database.transaction() as connection:
            return mail_tokens.awaited_address(connection, user_id) == email

    def _require_account(self, user_id: UUID) -> Account:
        with self._database.transaction() as connection:
            account = accounts.by_id(connection, user_id)
        if account is None:
            raise invalid_link()
        return account

    def _prove(
        self, token: MailToken, account: Account, password: str | None, *, signed_in: bool
    ) -> tuple[Account, bool]:
        """Return the account to be confirmed, as it is afterwards, and whether the link takes it over."""
        if password is None:
            raise ApiError(400, "password_required", N_("Enter a password for your account."), field="password")
        self._throttle.charge((PASSWORD_OF_ACCOUNT, f"link to {token.email}"))
        own = self._password_check.unconfirmed_account(token.email, password)
        if own is not None:
            return own, False
        if account.user.confirmed:
            return self._sessions.require_password(account.user.user_id, password), False
        if signed_in:
            raise _signed_in_as_another()
        return Account(account.user, self._passwords.hash(password)), True


def _renamed(account: Account, name: str) -> Account:
    return replace(account, user=replace(account.user, name=name))


def confirm_address(connection: Connection, token: MailToken, ended: list[UUID], *, taken_over: bool = False) -> None:
    """Confirm the address, and end the other sign-ups with it; add the ids of ended sessions and tokens to `ended`.

    Mails that were held until now are sent, except those of an account that was taken over.

    Raises ApiError 404 if the account no longer waits for the address, 409 if another account has confirmed it.
    """
    mail_tokens.lock_email(connection, token.email)
    if accounts.by_email(connection, token.email) is not None:
        raise ApiError(409, "email_in_use", N_("This e-mail address belongs to another account. Sign in to that one."))
    if not mail_tokens.confirm(connection, token.user_id, token.email):
        raise invalid_link()
    retired = mail_tokens.retire_others(connection, token.user_id, token.email)
    ended += end_credentials(connection, retired)
    mail_tokens.forget(connection, [token.user_id])
    account_mails.enqueue(connection, "taken_over" if taken_over else "confirmed", token.email, token.user_id)


def end_credentials(connection: Connection, user_ids: list[UUID]) -> list[UUID]:
    """End what can still act for accounts whose credentials are replaced or end; return the ids of sessions and tokens.

    That is: sessions, links, API tokens, and the invitations that the accounts have sent.
    """
    if not user_ids:
        return []
    mail_tokens.forget(connection, user_ids)
    revoked = tokens.revoke_of_creators(connection, user_ids)
    invitations.revoke_of_inviters(connection, user_ids)
    return [*revoked, *sessions.end_all(connection, user_ids)]


def _signed_in_as_another() -> ApiError:
    message = N_(
        "No account of this address has this password. To set it as a new one, sign out and open the link again."
    )
    return ApiError(409, "signed_in_as_another", message)


def _kind_of_mail(*, confirmed: bool) -> MailKind:
    return "email_change" if confirmed else "sign_up"


def invalid_link() -> ApiError:
    error = not_found("link")
    error.message = N_("This link has expired or was used before. Request a new one.")
    return error
