"""The account of a signed-in user: name, export and deletion of its data."""

from uuid import UUID

from monolith.modules.auth.calls import user_reply
from monolith.modules.auth.confirmation import end_credentials
from monolith.modules.auth.models import AccountExport, Membership, Session, business_reply
from monolith.modules.auth.repository import accounts, memberships, sessions, tokens
from monolith.modules.auth.sessions import Sessions, wrong_current_password
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import ApiError
from monolith.shared.localization import Language


class OwnAccount:
    """Operations on the own account of a signed-in user. Every method may raise DatabaseUnavailable."""

    def __init__(self, database: ModuleDatabase, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions

    def rename(self, user_id: UUID, name: str) -> None:
        """Change the name of the user. Idempotent."""
        with self._database.transaction() as connection:
            accounts.rename(connection, user_id, name)

    def set_language(self, user_id: UUID, language: Language) -> None:
        """Choose the language of the pages and mails of the user. Idempotent."""
        with self._database.transaction() as connection:
            accounts.set_language(connection, user_id, language)

    def export(self, user_id: UUID, session_id: UUID) -> AccountExport:
        """Return everything that is stored about the account itself, without secrets."""
        with self._database.transaction() as connection:
            user = accounts.users(connection, [user_id])[user_id]
            active: list[Session] = sessions.active(connection, user_id, session_id)
            belongs = memberships.of_user(connection, user_id)
            created = tokens.of_creator(connection, user_id)
        return AccountExport(
            user=user_reply(user),
            memberships=tuple(Membership(business=business_reply(each), role=role) for each, role in belongs),
            sessions=tuple(active),
            tokens=tuple(created),
        )

    def delete(self, user_id: UUID, password: str) -> None:
        """Delete the account: its name, addresses and password, its sessions, tokens, invitations and roles.

        Appointments and invoices stay with the businesses, without the name. Raises ApiError 403 for a wrong password,
        also if it has changed at the same moment, and 409 while the user is the only owner of a business that is not
        closed.
        """
        account = self._sessions.require_password(user_id, password)
        with self._database.transaction() as connection:
            # First, since whatever the account may still begin or create waits for its row.
            if not accounts.erase(connection, user_id, old=account.password_hash):
                raise wrong_current_password()
            for business_id, slug in memberships.lock_owned(connection, user_id).items():
                if not memberships.has_other_owner(connection, business_id, user_id):
                    message = f'You are the only owner of "{slug}". Make another member its owner, or close it, first.'
                    raise ApiError(409, "last_owner", message)
            memberships.resign(connection, user_id)
            ended = end_credentials(connection, [user_id])
        self._sessions.report_ended(ended)
