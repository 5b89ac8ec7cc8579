"""Ids, created by the application, so that no sequence has to move with the data."""

from datetime import datetime
from uuid import UUID

from uuid_utils import compat


def new_id() -> UUID:
    """Return a UUIDv7; ids sort by creation time, to the millisecond."""
    return compat.uuid7()


def first_id_at(moment: datetime) -> UUID:
    """Return the lower bound of the ids that are created at `moment` or later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
