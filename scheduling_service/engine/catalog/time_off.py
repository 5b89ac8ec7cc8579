"""Blocked time, during which nothing new can be booked."""

from datetime import UTC

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import BlockNotFound, BusinessNotFound
from scheduling_service.engine.catalog.limits import MAX_BLOCKS, require_capacity
from scheduling_service.engine.catalog.providers import require_provider
from scheduling_service.engine.catalog.resources import require_resource
from scheduling_service.engine.cursors import decode_cursor, encode_cursor
from scheduling_service.engine.read_transaction import Read
from scheduling_service.engine.store.catalog import blocks as store
from scheduling_service.engine.store.catalog import increment_rules_version, read_business
from scheduling_service.engine.write_transaction import Write


def block_time(write: Write, request: m.BlockTime) -> m.Block:
    db, business_id = write.db, write.ctx.business_id
    if request.provider_id is not None:
        require_provider(db, business_id, request.provider_id)
    if request.resource_id is not None:
        require_resource(db, business_id, request.resource_id)
    require_capacity(
        store.count_blocks(db, business_id), MAX_BLOCKS, "future blocked times in a business", "remove some"
    )
    block = m.Block(
        block_id=uuid7(),
        start=request.start.astimezone(UTC),
        end=request.end.astimezone(UTC),
        provider_id=request.provider_id,
        resource_id=request.resource_id,
        reason=request.reason,
    )
    store.insert_block(db, business_id, block)
    increment_rules_version(db, business_id)
    return block


def remove_block(write: Write, request: m.RemoveBlock) -> m.Block:
    """Remove a block and return it. Raises BlockNotFound."""
    removed = store.delete_block(write.db, write.ctx.business_id, request.block_id)
    if removed is None:
        raise BlockNotFound("This business has no such blocked time.")
    increment_rules_version(write.db, write.ctx.business_id)
    return removed


def list_blocks(read: Read, request: m.ListBlocks) -> m.BlockPage:
    """Return a page of the blocks that overlap the window, sorted by start."""
    business = read_business(read.db, read.business_id)
    if business is None:
        raise BusinessNotFound("There is no such business.")
    found = store.list_blocks(
        read.db,
        read.business_id,
        (request.start, request.end),
        after=decode_cursor(request.cursor) if request.cursor else None,
        limit=request.limit + 1,
    )
    page, more = found[: request.limit], len(found) > request.limit
    return m.BlockPage(
        zone=business[1],
        blocks=tuple(page),
        next_cursor=encode_cursor(page[-1].start, page[-1].block_id) if more else None,
    )
