"""Deletion of unconfirmed accounts, and of expired links and invitations."""

from monolith.modules.auth.confirmation import UNCONFIRMED_ACCOUNT_VALID_FOR, end_credentials
from monolith.modules.auth.repository import invitations, mail_tokens
from monolith.shared.database import ModuleDatabase

BATCH = 200


class AccountPruner:
    """Disables accounts whose address was not confirmed in a week, erases the address, and deletes expired links."""

    def __init__(self, database: ModuleDatabase) -> None:
        self._database = database

    def step(self) -> bool:
        """Prune one batch; return whether there may be more. Raises DatabaseUnavailable."""
        with self._database.transaction() as connection:
            retired = mail_tokens.retire_expired(connection, UNCONFIRMED_ACCOUNT_VALID_FOR, BATCH)
            end_credentials(connection, retired)
            mail_tokens.prune(connection)
            invitations.prune(connection)
        return len(retired) == BATCH
