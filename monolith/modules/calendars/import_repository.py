"""SQL for the imports of one business, under the role `calendars_app`."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Connection, Row, insert, text

from monolith.modules.calendars.import_models import BusyImport, CreateImport
from monolith.modules.calendars.tables import busy_import

# Indexes busy_import_by_business, imported_time_of_import.
_LIST = text("""
    SELECT import_id, provider_id, name, url, created_at, last_success_at, problem,
           (SELECT count(*) FROM calendars.imported_time t
             WHERE t.import_id = i.import_id AND state = 'added' AND ends_at > now()) AS busy_times
      FROM calendars.busy_import i
     WHERE business_id = :business_id AND state = 'active'
     ORDER BY created_at, import_id
""")
# busy_import_pkey
_REMOVE = text("""
    UPDATE calendars.busy_import SET state = 'removing'
     WHERE import_id = :import_id AND business_id = :business_id AND state = 'active'
""")
# Index imported_time_of_import
_REMOVE_TIMES = text("""
    UPDATE calendars.imported_time SET state = 'removing', next_attempt_at = now()
     WHERE import_id = :import_id AND business_id = :business_id
""")
# busy_import_pkey. At most one reading a minute, whatever the number of requests.
_REFRESH = text("""
    UPDATE calendars.busy_import
       SET next_run_at = greatest(now(), coalesce(last_run_at, created_at) + interval '1 minute')
     WHERE import_id = :import_id AND business_id = :business_id AND state = 'active' AND next_run_at > now()
""")


def insert_import(
    connection: Connection, business_id: UUID, import_id: UUID, created_by: UUID, wanted: CreateImport
) -> None:
    connection.execute(
        insert(busy_import).values(
            import_id=import_id,
            business_id=business_id,
            provider_id=wanted.provider_id,
            name=wanted.name,
            url=wanted.url,
            content=wanted.content,
            created_by=created_by,
        )
    )


def imports_of(connection: Connection, business_id: UUID) -> list[BusyImport]:
    return [_import(row) for row in connection.execute(_LIST, {"business_id": business_id})]


def remove_import(connection: Connection, business_id: UUID, import_id: UUID) -> bool:
    """Let the worker remove an import and its blocked times; return whether there is such an import."""
    values = {"business_id": business_id, "import_id": import_id}
    found = connection.execute(_REMOVE, values).rowcount == 1
    connection.execute(_REMOVE_TIMES, values)
    return found


def refresh_import(connection: Connection, business_id: UUID, import_id: UUID) -> None:
    connection.execute(_REFRESH, {"business_id": business_id, "import_id": import_id})


def _import(row: Row[Any]) -> BusyImport:
    return BusyImport(
        import_id=row.import_id,
        provider_id=row.provider_id,
        name=row.name,
        source="file" if row.url is None else urlsplit(row.url).hostname or "",
        created_at=row.created_at,
        last_success_at=row.last_success_at,
        busy_times=row.busy_times,
        problem=row.problem,
    )
