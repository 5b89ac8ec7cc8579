"""The owner of a business's data, as the routing table stores it."""

from msgspec import Struct

from contracts.scheduling.values import DatabaseName


class Ownership(Struct, frozen=True, kw_only=True):
    """The database that owns a business, and the epoch since which it does. Epochs start at 1."""

    owner: DatabaseName
    epoch: int
