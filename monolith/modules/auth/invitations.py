"""Invitations to the staff of a business, by mail."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from monolith.modules.auth import credentials
from monolith.modules.auth.api import UserRef
from monolith.modules.auth.calls import SignedInUser
from monolith.modules.auth.confirmation import confirm_address, end_credentials, invalid_link
from monolith.modules.auth.member_models import Invitation, Invite
from monolith.modules.auth.members import require_owner
from monolith.modules.auth.models import TokenRole
from monolith.modules.auth.origin import Origin
from monolith.modules.auth.password_check import PasswordCheck
from monolith.modules.auth.passwords import Passwords
from monolith.modules.auth.repository import account_mails, accounts, invitations, mail_tokens, memberships
from monolith.modules.auth.repository.accounts import Account
from monolith.modules.auth.repository.invitations import OpenInvitation
from monolith.modules.auth.repository.mail_tokens import MailToken
from monolith.modules.auth.sessions import NewSession, Sessions, require_session
from monolith.modules.auth.throttle import INVITATION_OF_ACCOUNT, INVITATION_OF_BUSINESS, Throttle
from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.endpoints import ApiError, BusinessRef
from monolith.shared.endpoints.errors import email_unconfirmed, not_found, unauthenticated
from monolith.shared.localization import N_, Language

VALID_FOR = timedelta(days=7)
MAX_INVITATIONS = 50


class Invitations:
    """An invitation goes to a mailbox; its owner joins, with an account and a password of their own.

    The answer to an owner does not depend on whether the address has an account.
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

    def invite(self, business: BusinessRef, inviter: SignedInUser, wanted: Invite) -> Invitation:
        """Mail an invitation, in place of an earlier one to the same address, whose link becomes invalid.

        Raises ApiError 409 if the business already has 50 open invitations, 429 after too many, open or not, of the
        business or of the inviter in all businesses, and 401 if the session has ended.
        """
        of_business = (INVITATION_OF_BUSINESS, str(business.business_id))
        self._throttle.charge(of_business, (INVITATION_OF_ACCOUNT, str(inviter.user_id)))
        with self._database.transaction() as connection:
            require_session(connection, inviter)
            memberships.lock(connection, business.business_id)
            require_owner(connection, business, inviter.user_id)
            if invitations.count(connection, business.business_id) >= MAX_INVITATIONS:
                message = f"This business already has {MAX_INVITATIONS} open invitations. Revoke one first."
                raise ApiError(409, "too_many_invitations", message)
            invitation = invitations.invite(
                connection,
                invitation_id=new_id(),
                business_id=business.business_id,
                email=wanted.email.lower(),
                role=wanted.role,
                invited_by=inviter.user_id,
                valid_for=VALID_FOR,
            )
            account_mails.enqueue(connection, "invitation", invitation.email, invitation.invitation_id)
        return invitation

    def of_business(self, business: BusinessRef) -> list[Invitation]:
        """Return the invitations that can still be accepted, newest first."""
        return self._database.query(lambda connection: invitations.of_business(connection, business.business_id))

    def revoke(self, business: BusinessRef, invitation_id: UUID) -> None:
        """Revoke an invitation. Raises ApiError 404 if the business has no such invitation."""
        with self._database.transaction() as connection:
            if not invitations.revoke(connection, business.business_id, invitation_id):
                raise not_found("invitation")

    def open(self, secret: str) -> tuple[OpenInvitation, bool]:
        """Return the invitation of a link, and whether its address has an account. Raises ApiError 404."""
        secret_hash = credentials.hash_secret(secret)
        with self._database.transaction() as connection:
            found = invitations.by_secret(connection, secret_hash)
            if found is None:
                raise invalid_link()
            return found, accounts.by_email(connection, found.email) is not None

    def accept_as(self, secret: str, user_id: UUID) -> tuple[OpenInvitation, TokenRole]:
        """Join the business as the signed-in user, also if the invitation went to another address. Raises ApiError 404.

        If the user's own address is not confirmed, the link must have been sent to it, which confirms it; otherwise
        this raises ApiError 403. Raises ApiError 401 if the account is deleted at the same moment.
        """
        found, _ = self.open(secret)
        ended: list[UUID] = []
        with self._database.transaction() as connection:
            account = accounts.by_id(connection, user_id)
            if account is None or not account.user.confirmed:
                if mail_tokens.awaited_address(connection, user_id) != found.email:
                    raise email_unconfirmed()
                confirm_address(connection, MailToken(user_id, found.email), ended)
            elif not accounts.lock(connection, user_id):
                raise unauthenticated()
            role = self._join(connection, secret, found, user_id)
        self._sessions.report_ended(ended)
        return found, role

    def accept_with_password(
        self,
        secret: str,
        name: str | None,
        password: str,
        origin: Origin,
        replacing: UUID | None,
        language: Language | None = None,
    ) -> tuple[OpenInvitation, NewSession]:
        """Join with the account of the invited address, or with a new one, which needs `name`; return its session.

        An account that waits for the confirmation of the address and has this password is confirmed and joins. A new
        account has this `language`.

        Raises ApiError 404 for an invalid link; for an existing account 401 and 429 like a login.
        """
        found, has_account = self.open(secret)
        if has_account:
            session = self._sessions.log_in(found.email, password, origin, replacing)
            return self.accept_as(secret, session.user.user_id)[0], session
        waiting = self._password_check.unconfirmed_account(found.email, password)
        if waiting is not None:
            return found, self._join_waiting(secret, found, waiting, origin, replacing)
        if name is None:
            raise ApiError(400, "invalid_request", N_("Enter a name for your new account."), field="name")
        account = Account(UserRef(new_id(), name, found.email, language=language), self._passwords.hash(password))
        with self._database.transaction() as connection:
            mail_tokens.lock_email(connection, found.email)
            if not accounts.insert(connection, account):
                raise ApiError(409, "email_in_use", N_("This address has an account now. Open the link again."))
            retired = mail_tokens.retire_others(connection, account.user.user_id, found.email)
            ended = end_credentials(connection, retired)
            self._join(connection, secret, found, account.user.user_id)
            session = self._sessions.begin(connection, account, origin, replacing)
        self._sessions.report_ended(ended)
        return found, session

    def _join_waiting(
        self, secret: str, found: OpenInvitation, account: Account, origin: Origin, replacing: UUID | None
    ) -> NewSession:
        """Join with an account that waits for the confirmation of the invited address, which the link proves."""
        ended: list[UUID] = []
        with self._database.transaction() as connection:
            confirm_address(connection, MailToken(account.user.user_id, found.email), ended)
            self._join(connection, secret, found, account.user.user_id)
            session = self._sessions.begin(connection, account, origin, replacing)
        self._sessions.report_ended(ended)
        return session

    def _join(self, connection: Connection, secret: str, found: OpenInvitation, user_id: UUID) -> TokenRole:
        memberships.lock(connection, found.business_id)
        if not invitations.accept(connection, credentials.hash_secret(secret)):
            raise invalid_link()
        role = memberships.join(connection, found.business_id, user_id, found.role)
        assert role != "customer"
        return role
