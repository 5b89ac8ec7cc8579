"""Blocked time of providers, of resources and of the whole business."""

from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from contracts.scheduling import models as m
from scheduling_service.engine.database import Connection


def insert_block(db: Connection, business_id: UUID, block: m.Block) -> None:
    db.execute(
        """
        INSERT INTO scheduling.block (business_id, block_id, provider_id, resource_id, starts_at, ends_at, reason)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        (
            business_id,
            block.block_id,
            block.provider_id,
            block.resource_id,
            block.start,
            block.end,
            block.reason,
        ),
    )


def delete_block(db: Connection, business_id: UUID, block_id: UUID) -> m.Block | None:
    """Delete and return a block; None if there was none. Index: primary key."""
    with db.cursor(row_factory=class_row(m.Block)) as cursor:
        return cursor.execute(
            """
            DELETE FROM scheduling.block WHERE business_id = %s AND block_id = %s
            RETURNING block_id, starts_at AS start, ends_at AS "end", provider_id, resource_id, reason
            """,
            (business_id, block_id),
        ).fetchone()


def list_blocks(
    db: Connection,
    business_id: UUID,
    window: tuple[datetime, datetime],
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[m.Block]:
    """Return the blocks that overlap the window, sorted by start, then id, following `after`. Index: block_by_end."""
    with db.cursor(row_factory=class_row(m.Block)) as cursor:
        return cursor.execute(
            """
            SELECT block_id, starts_at AS start, ends_at AS "end", provider_id, resource_id, reason
              FROM scheduling.block
             WHERE business_id = %s AND ends_at > %s AND starts_at < %s
               AND (%s::timestamptz IS NULL OR (starts_at, block_id) > (%s, %s::uuid))
             ORDER BY starts_at, block_id LIMIT %s
            """,
            (business_id, *window, *((None,) * 3 if after is None else (after[0], *after)), limit),
        ).fetchall()


def read_blocks(db: Connection, business_id: UUID) -> list[m.Block]:
    """Return the blocks that have not ended. Index: block_by_end."""
    with db.cursor(row_factory=class_row(m.Block)) as cursor:
        return cursor.execute(
            """
            SELECT block_id, starts_at AS start, ends_at AS "end", provider_id, resource_id, reason
              FROM scheduling.block WHERE business_id = %s AND ends_at > now()
            """,
            (business_id,),
        ).fetchall()


def count_blocks(db: Connection, business_id: UUID) -> int:
    """Return the number of blocks that have not ended. Index: block_by_end."""
    row = db.execute(
        "SELECT count(*) FROM scheduling.block WHERE business_id = %s AND ends_at > now()", (business_id,)
    ).fetchone()
    return 0 if row is None else int(row[0])
