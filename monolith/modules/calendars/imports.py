"""Calendars whose busy times block a provider, as staff manage them. `import_worker.py` reads them."""

from uuid import UUID

from msgspec.structs import replace

from monolith.modules.calendars import import_repository as repository
from monolith.modules.calendars.feed_repository import lock_business
from monolith.modules.calendars.import_models import BusyImport, CreateImport
from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.endpoints import ApiError, BusinessRef
from monolith.shared.endpoints.errors import not_found
from monolith.shared.outbound import checked_url
from monolith.shared.rate_limits import Buckets, Limit, charge

MOST_IMPORTS = 50
"""Of one business."""
NEW_IMPORT_OF_BUSINESS = Limit("new import of business", burst=100, seconds=30)
"""Removed imports count too: each new one is read at once."""


class BusyImports:
    """All methods may raise DatabaseUnavailable."""

    def __init__(self, database: ModuleDatabase, buckets: Buckets) -> None:
        self._database = database
        self._buckets = buckets

    def create(self, business: BusinessRef, creator: UUID, wanted: CreateImport) -> BusyImport:
        """Create an import, which the worker reads within seconds. The caller checks that the provider exists.

        Raises ApiError 409 if there are too many, and 429 after too many, removed or not.
        """
        charge(self._buckets, (NEW_IMPORT_OF_BUSINESS, business.business_id.hex))
        import_id = new_id()
        if wanted.url is not None:
            wanted = replace(wanted, url=checked_url(wanted.url))
        with self._database.transaction(business.business_id) as connection:
            lock_business(connection, business.business_id)
            if len(repository.imports_of(connection, business.business_id)) >= MOST_IMPORTS:
                message = f"There are {MOST_IMPORTS} imported calendars already. Remove one that is no longer in use."
                raise ApiError(409, "too_many_imports", message)
            repository.insert_import(connection, business.business_id, import_id, creator, wanted)
            found = repository.imports_of(connection, business.business_id)
        return next(each for each in found if each.import_id == import_id)

    def of_business(self, business: BusinessRef, provider_id: UUID | None = None) -> list[BusyImport]:
        """Return the imports, in the order of their creation; only those of a provider, if one is given."""
        with self._database.transaction(business.business_id) as connection:
            found = repository.imports_of(connection, business.business_id)
        return [each for each in found if provider_id in (None, each.provider_id)]

    def remove(self, business: BusinessRef, import_id: UUID) -> None:
        """Remove an import; the worker removes the blocked times within seconds. Raises ApiError 404."""
        with self._database.transaction(business.business_id) as connection:
            if not repository.remove_import(connection, business.business_id, import_id):
                raise not_found("imported calendar")

    def refresh(self, business: BusinessRef, import_id: UUID) -> None:
        """Let the worker read a calendar again, at most once a minute. Ignores unknown ids."""
        with self._database.transaction(business.business_id) as connection:
            repository.refresh_import(connection, business.business_id, import_id)
