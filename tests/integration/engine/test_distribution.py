"""The tables can be distributed by business, as Citus and sharding proxies require it of a schema.

Row-level security keeps statements within one business: `test_row_security.py`.
"""

from tests.integration.engine.test_row_security import TABLES
from tests.integration.engine.workbench import Workbench

OF_THE_DATABASE = {"alembic_version", "canary"}
"""Every database has its own: the version of its schema, and the proof that its replication works."""
NUMBERED_BY_THE_DATABASE = {"outbox"}
"""The relay publishes each database's rows in their order, so a distributed outbox would be one for each server."""

EXCEPT = {"others": [*OF_THE_DATABASE, *NUMBERED_BY_THE_DATABASE]}

WITHOUT_COLUMN = """
    SELECT c.relname FROM pg_class c
     WHERE c.relnamespace = 'scheduling'::regnamespace AND c.relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attname = 'business_id' AND a.attnotnull AND NOT a.attisdropped)
"""
OF_TABLES = """
    SELECT c.relname FROM pg_class c
     WHERE c.relnamespace = 'scheduling'::regnamespace AND c.relkind IN ('r', 'p')
"""
ACROSS_BUSINESSES = """
    SELECT i.indexrelid::regclass::text
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     WHERE c.relnamespace = 'scheduling'::regnamespace AND (i.indisunique OR i.indisexclusion)
       AND c.relname <> ALL (%(others)s)
       AND NOT EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attname = 'business_id' AND a.attnum = ANY (i.indkey))
"""
REFERENCES_ACROSS = """
    SELECT f.conrelid::regclass::text || ' ' || f.conname
      FROM pg_constraint f
     WHERE f.contype = 'f' AND f.connamespace = 'scheduling'::regnamespace
       AND NOT EXISTS (SELECT FROM unnest(f.conkey, f.confkey) AS pair(mine, theirs)
                         JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = pair.mine
                         JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = pair.theirs
                        WHERE a.attname = 'business_id' AND b.attname = 'business_id')
"""
UNEQUAL_EXCLUSIONS = """
    SELECT e.conname
      FROM pg_constraint e
     WHERE e.contype = 'x' AND e.connamespace = 'scheduling'::regnamespace
       AND NOT EXISTS (SELECT FROM unnest(e.conkey, e.conexclop) AS part(attnum, operator)
                         JOIN pg_attribute a ON a.attrelid = e.conrelid AND a.attnum = part.attnum
                         JOIN pg_operator o ON o.oid = part.operator
                        WHERE a.attname = 'business_id' AND o.oprname = '=')
"""


def found(bench: Workbench, statement: str) -> set[str]:
    with bench.administrator() as administrator:
        return {str(row[0]) for row in administrator.execute(statement, EXCEPT).fetchall()}


def test_every_table_belongs_to_a_business(bench: Workbench) -> None:
    assert set(TABLES) <= found(bench, OF_TABLES), "the catalog is read"
    assert found(bench, WITHOUT_COLUMN) == OF_THE_DATABASE


def test_every_key_and_constraint_is_within_a_business(bench: Workbench) -> None:
    assert found(bench, ACROSS_BUSINESSES) == set()
    assert found(bench, REFERENCES_ACROSS) == set()
    assert found(bench, UNEQUAL_EXCLUSIONS) == set()
