"""The creation of imported calendars is limited, even if earlier ones were removed."""

from uuid import uuid4

import pytest

from monolith.modules.calendars.api import BusyImports, CreateImport
from monolith.modules.calendars.imports import MOST_IMPORTS, NEW_IMPORT_OF_BUSINESS
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import ApiError, BusinessRef
from monolith.shared.rate_limits.local_buckets import LocalBuckets
from tests.databases import Databases

WANTED = CreateImport(provider_id=uuid4(), url="https://calendar.example/mine.ics")


def a_business() -> BusinessRef:
    return BusinessRef(uuid4(), "shop", "Shop", "UTC", "EUR")


def test_new_imports_are_limited_per_business(databases: Databases) -> None:
    database = ModuleDatabase(databases.monolith_url, role="calendars_app", secret=databases.role_secret)
    imports, crowding = BusyImports(database, LocalBuckets()), a_business()
    for _ in range(NEW_IMPORT_OF_BUSINESS.burst):
        imports.remove(crowding, imports.create(crowding, uuid4(), WANTED).import_id)
    with pytest.raises(ApiError) as refused:
        imports.create(crowding, uuid4(), WANTED)
    assert (refused.value.status, refused.value.code) == (429, "too_many_attempts")
    assert imports.of_business(crowding) == []
    imports.create(a_business(), uuid4(), WANTED)
    assert NEW_IMPORT_OF_BUSINESS.burst > MOST_IMPORTS, "all imports of a business may be created at once"
    database.close()
