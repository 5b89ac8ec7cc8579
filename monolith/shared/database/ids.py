"""Ids are made by the application, so that no sequence has to move with the data."""

from uuid import UUID

from uuid_utils import compat


def new_id() -> UUID:
    """A UUIDv7: ids made later sort later, to the millisecond."""
    return compat.uuid7()
