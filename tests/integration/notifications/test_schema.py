"""What SQLAlchemy is told about the tables is what the migrations make."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url

from monolith.modules.notifications.tables import SCHEMA, metadata
from tests.databases import Databases


def test_the_tables_and_the_migrations_agree(databases: Databases) -> None:
    engine = create_engine(make_url(databases.monolith_admin_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "version_table_schema": SCHEMA,
                "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()
