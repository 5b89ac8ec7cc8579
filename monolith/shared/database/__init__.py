"""Database access for modules: transactions, ids, migrations."""

from monolith.shared.database.database import ModuleDatabase, transaction_is_open
from monolith.shared.database.errors import CommitUnknown, DatabaseUnavailable
from monolith.shared.database.ids import first_id_at, new_id

__all__ = ["CommitUnknown", "DatabaseUnavailable", "ModuleDatabase", "first_id_at", "new_id", "transaction_is_open"]
