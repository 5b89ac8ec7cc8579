"""Ids, created by the application, so that no sequence has to move with the data."""

from uuid import UUID

from uuid_utils import compat


def new_id() -> UUID:
    """Return a UUIDv7; ids sort by creation time, to the millisecond."""
    return compat.uuid7()
