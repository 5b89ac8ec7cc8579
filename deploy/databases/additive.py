"""Whether a migration may run while the schema is replicated: rehearse it in an empty database, and compare catalogs.

The present version is migrated to the newest in a database of its own on the same server, which is dropped afterwards.
So the check sees what the migrations do, not what they declare.
"""

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from alembic import command
from psycopg import sql

from contracts.chassis.schema_versions import compatibility_comment, serves
from deploy.databases import roles
from deploy.databases.migrate import alembic_config, current_version, oldest_code, open_connection
from deploy.databases.schemas import Schema, Target
from deploy.databases.set_up import MAINTENANCE_DATABASE, connect

_CALL = re.compile(r"\w+\s*\(")


class CatalogColumn(NamedTuple):
    """A column as the catalog describes it. `computed` is set for identity and generated columns."""

    type: str
    not_null: bool
    default: str | None
    computed: bool


class SchemaCatalog(NamedTuple):
    """The replicated tables: columns by table and name; constraints, unique indexes and triggers by table and name."""

    tables: frozenset[str]
    columns: dict[tuple[str, str], CatalogColumn]
    rules: dict[tuple[str, str], str]


class MigrationRehearsal(NamedTuple):
    """The effect of the pending migrations: the changes that replication would not survive, and whether a replicated
    table changes at all."""

    unsafe: list[str]
    alters_tables: bool


def rehearse(target: Target, schema: Schema) -> MigrationRehearsal:
    """Run the pending migrations in an empty database of their own on the target's server. Raises CommandError."""
    with open_connection(target.url) as connection:
        version = current_version(connection, schema)
    with _scratch_database(target) as scratch:
        with connect(scratch) as db:
            roles.prepare_public(db)
            roles.create_schema(db, schema)
        _upgrade(scratch, schema, version)
        before = _read(scratch, schema)
        _upgrade(scratch, schema, "head")
        after = _read(scratch, schema)
    return MigrationRehearsal([*_outdates_code(schema, version), *compare_catalogs(before, after)], before != after)


def compare_catalogs(before: SchemaCatalog, after: SchemaCatalog) -> list[str]:
    """Describe the changes of tables that were replicated before and that are not additive."""
    found = [f"table {name} is no longer replicated" for name in sorted(before.tables - after.tables)]
    for (table, name), old in sorted(before.columns.items()):
        new = after.columns.get((table, name))
        if table in after.tables and new is None:
            found.append(f"column {table}.{name} is removed")
        elif new is not None and (new.type, new.computed) != (old.type, old.computed):
            found.append(f"column {table}.{name} changes its type from {old.type} to {new.type}")
        elif new is not None and new.not_null and not old.not_null:
            found.append(f"column {table}.{name} becomes NOT NULL, which rows of the other database may violate")
    for (table, name), new in sorted(after.columns.items()):
        if table in before.tables and (table, name) not in before.columns:
            found += [f"column {table}.{name} {problem}" for problem in _problems_of_new(new)]
    for key, rule in sorted((before.rules | after.rules).items()):
        if key[0] in before.tables & after.tables and before.rules.get(key) != after.rules.get(key):
            found.append(f"{key[0]}: {key[1]} is added, changed or removed, and could stop the stream ({rule})")
    return found


def _problems_of_new(column: CatalogColumn) -> Iterator[str]:
    if column.computed:
        yield "is generated, and would differ between the databases"
    elif column.default is not None and _CALL.search(column.default):
        yield f"has the default {column.default}, which may differ between the databases"
    elif column.default is None and column.not_null:
        yield "is NOT NULL without a default, which rows of the other database cannot satisfy"


def _outdates_code(schema: Schema, version: str) -> list[str]:
    oldest = oldest_code(schema)
    if serves(compatibility_comment(oldest), ["9999"], [version]):
        return []
    return [f"processes of version {version} would leave service: a migration serves code from {oldest} on only"]


@contextlib.contextmanager
def _scratch_database(target: Target) -> Iterator[Target]:
    name = f"extraction_rehearsal_{secrets.token_hex(4)}"
    url = urlsplit(target.url)._replace(path=f"/{name}").geturl()
    with connect(target, MAINTENANCE_DATABASE) as server:
        server.execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield replace(target, url=url)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _upgrade(scratch: Target, schema: Schema, revision: str) -> None:
    with open_connection(scratch.url) as connection:
        config = alembic_config(schema)
        config.attributes.update(connection=connection, schema=schema.name, owner=schema.owner)
        command.upgrade(config, revision)
        connection.commit()


def _read(scratch: Target, schema: Schema) -> SchemaCatalog:
    with connect(scratch) as db:
        db.execute("SELECT set_config('search_path', '', false)")
        row = db.execute(sql.SQL("SELECT {}.replicated_tables()").format(sql.Identifier(schema.name))).fetchone()
        assert row is not None, "the function returns an array"
        tables = cast(list[str], row[0])
        columns: list[Any] = db.execute(_COLUMNS, (schema.name, tables)).fetchall()
        rules: list[Any] = db.execute(_RULES, {"schema": schema.name, "tables": tables}).fetchall()
    return SchemaCatalog(
        frozenset(tables),
        {(table, name): CatalogColumn(*rest) for table, name, *rest in columns},
        {(table, name): text for table, name, text in rules},
    )


_COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
           a.attidentity <> '' OR a.attgenerated <> ''
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = %s::regnamespace AND c.relname = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped
"""
_RULES = """
    SELECT t.relname, found.name, found.text
      FROM pg_class t
     CROSS JOIN LATERAL (
        SELECT 'constraint ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE conrelid = t.oid AND contype <> 'n'
        UNION ALL
        SELECT 'index ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid) FROM pg_index i
         WHERE i.indrelid = t.oid AND i.indisunique
        UNION ALL
        SELECT 'trigger ' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = t.oid AND NOT tgisinternal
        UNION ALL
        SELECT 'replica identity', t.relreplident::text
     ) AS found (name, text)
     WHERE t.relnamespace = %(schema)s::regnamespace AND t.relname = ANY (%(tables)s)
"""
