"""The tables of schema scheduling, read from the catalog, so that a table missing from replication is found."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from psycopg import sql

from monolith.cutover.databases import Connection

EXCLUDED_TABLES = frozenset({"lease", "outbox", "alembic_version", "canary"})
"""Not replicated: the lease, unpublished events, the schema version, and rows that belong to no business."""

Key = tuple[str, ...]
"""A primary key without the business, each column as text, since Postgres has dates that Python lacks."""

Rows = dict[Key, int]
"""The hash of each row by its key."""


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    """The primary key without the business."""
    key_types: tuple[str, ...]

    @cached_property
    def source(self) -> sql.Composed:
        return sql.SQL("scheduling.{} t").format(sql.Identifier(self.name))

    @cached_property
    def row_hash(self) -> sql.Composed:
        """A hash of the whole row by each type's hash function, 3 to 6 times as fast as hashing its text.

        The columns are sorted by name, since their order may differ between databases. NULL differs from an empty text.
        """
        columns = sql.SQL(", ").join(sql.Identifier("t", column) for column in self.columns)
        return sql.SQL("hash_record_extended(ROW({}), 0)").format(columns)

    @cached_property
    def key_texts(self) -> list[sql.Composed]:
        return [sql.SQL("{}::text").format(sql.Identifier("t", column)) for column in self.key]

    @cached_property
    def keyed_hash(self) -> sql.Composed:
        """The columns of `Rows`: the parts of the key, then the hash."""
        return sql.SQL(", ").join([*self.key_texts, self.row_hash])

    def bound(self, db: Connection, business_id: UUID, after: Key | None, rows: int, *, bytewise: bool) -> Key | None:
        """Return the key of the row that is `rows` rows after `after`; None when there are fewer."""
        if not self.key:
            return None
        where, values = self._within(after, None, bytewise)
        row = db.execute(
            sql.SQL("SELECT {} FROM {} WHERE t.business_id = %s AND {} ORDER BY {} OFFSET %s LIMIT 1").format(
                sql.SQL(", ").join(self.key_texts), self.source, where, sql.SQL(", ").join(self._ordered(bytewise))
            ),
            (business_id, *values, rows),
        ).fetchone()
        return None if row is None else tuple(row)

    def between(
        self, db: Connection, business_id: UUID, after: Key | None, last: Key | None, *, bytewise: bool
    ) -> tuple[int, str]:
        """Return the number of rows after `after` up to `last` (None: the end) and the sum of their hashes."""
        where, values = self._within(after, last, bytewise)
        row = db.execute(
            sql.SQL("SELECT count(*), coalesce(sum({}), 0)::text FROM {} WHERE t.business_id = %s AND {}").format(
                self.row_hash, self.source, where
            ),
            (business_id, *values),
        ).fetchone()
        assert row is not None, "an aggregate always has a row"
        return row[0], row[1]

    def rows_between(
        self, db: Connection, business_id: UUID, after: Key | None, last: Key | None, *, bytewise: bool
    ) -> Rows:
        where, values = self._within(after, last, bytewise)
        return self.rows(db, business_id, where, values)

    def by_key(self, db: Connection, business_id: UUID, keys: list[tuple[str, ...]]) -> Rows:
        if not self.key:
            return self.rows(db, business_id, sql.SQL("true"), ())
        arrays = sql.SQL(", ").join(sql.SQL("%s::text[]::{}[]").format(sql.SQL(each)) for each in self.key_types)
        where = sql.SQL("({}) IN (SELECT * FROM unnest({}))").format(
            sql.SQL(", ").join(self._ordered(bytewise=False)), arrays
        )
        return self.rows(db, business_id, where, tuple(list(column) for column in zip(*keys, strict=True)))

    def _ordered(self, bytewise: bool) -> list[sql.Composed]:
        """The key's columns in an order common to both databases; bytewise for text if their collations differ."""
        return [
            sql.SQL('{} COLLATE "C"' if bytewise and kind == "text" else "{}").format(sql.Identifier("t", column))
            for column, kind in zip(self.key, self.key_types, strict=True)
        ]

    def _within(self, after: Key | None, last: Key | None, bytewise: bool) -> tuple[sql.Composed, tuple[str, ...]]:
        key = sql.SQL(", ").join(self._ordered(bytewise))
        bound = sql.SQL(", ").join(sql.SQL("%s::text::{}").format(sql.SQL(kind)) for kind in self.key_types)
        where, values = sql.SQL("true").format(), tuple[str, ...]()
        for limit, words in ((after, "{} AND ({}) > ({})"), (last, "{} AND ({}) <= ({})")):
            if limit is not None:
                where, values = sql.SQL(words).format(where, key, bound), (*values, *limit)
        return where, values

    def rows(self, db: Connection, business_id: UUID, where: sql.Composable, values: tuple[Any, ...]) -> Rows:
        """Return the business's rows that satisfy `where`."""
        found = db.execute(
            sql.SQL("SELECT {} FROM {} WHERE t.business_id = %s AND {}").format(self.keyed_hash, self.source, where),
            (business_id, *values),
        ).fetchall()
        return {tuple(row[:-1]): row[-1] for row in found}


def read_tables(db: Connection) -> tuple[Table, ...]:
    """Return the compared tables, sorted by name."""
    found = db.execute(
        """
        SELECT c.relname,
               array_agg(a.attname::text ORDER BY a.attname),
               coalesce(array_agg(a.attname::text ORDER BY k.place)
                        FILTER (WHERE k.place IS NOT NULL AND a.attname <> 'business_id'), '{}'),
               coalesce(array_agg(format_type(a.atttypid, NULL) ORDER BY k.place)
                        FILTER (WHERE k.place IS NOT NULL AND a.attname <> 'business_id'), '{}')
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
          LEFT JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place) ON k.attnum = a.attnum
         WHERE c.relnamespace = 'scheduling'::regnamespace AND c.relkind = 'r' AND c.relname <> ALL (%s)
         GROUP BY c.relname ORDER BY c.relname
        """,
        (sorted(EXCLUDED_TABLES),),
    ).fetchall()
    return tuple(Table(name, tuple(columns), tuple(key), tuple(types)) for name, columns, key, types in found)


def format_key(key: tuple[str, ...]) -> str:
    return "/".join(key) or "the row"
