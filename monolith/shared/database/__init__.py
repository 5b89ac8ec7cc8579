"""Database access for modules: transactions, ids, migrations."""

from monolith.shared.database.database import ModuleDatabase, transaction_is_open
from monolith.shared.database.errors import CommitUnknown, DatabaseUnavailable
from monolith.shared.database.ids import new_id

__all__ = ["CommitUnknown", "DatabaseUnavailable", "ModuleDatabase", "new_id", "transaction_is_open"]
