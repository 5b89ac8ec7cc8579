"""The SQLAlchemy table definitions match the migrated schemas."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, make_url

from monolith.cutover.store import tables as cutover
from monolith.modules.auth import tables as auth
from monolith.modules.billing import tables as billing
from monolith.modules.calendars import tables as calendars
from monolith.modules.notifications import tables as notifications
from monolith.shared.flags import tables as platform
from scheduling_service.engine import tables as scheduling
from tests.databases import Databases


@pytest.mark.parametrize(
    ("deployment", "schema", "metadata"),
    [
        ("monolith", auth.SCHEMA, auth.metadata),
        ("monolith", billing.SCHEMA, billing.metadata),
        ("monolith", calendars.SCHEMA, calendars.metadata),
        ("monolith", notifications.SCHEMA, notifications.metadata),
        ("monolith", cutover.SCHEMA, cutover.metadata),
        ("monolith", platform.SCHEMA, platform.metadata),
        ("monolith", scheduling.SCHEMA, scheduling.metadata),
        ("scheduling", scheduling.SCHEMA, scheduling.metadata),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_table_definitions_match_the_migrations(
    databases: Databases, deployment: str, schema: str, metadata: MetaData
) -> None:
    url = databases.monolith_admin_url if deployment == "monolith" else databases.scheduling_admin_url
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))

    def ours(name: str | None, kind: str, parents: Any) -> bool:
        return name == schema if kind == "schema" else name != "alembic_version"

    options = {"include_schemas": True, "include_name": ours, "compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        assert compare_metadata(context, MetaData()) != []
    engine.dispose()
