"""One direction of replication: from a publishing database to the one that subscribes."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from monolith.cutover.databases import REPLICATOR, SchedulingDatabase, SchedulingDatabases

PUBLICATION = "scheduling"
"""As `scheduling.publish` names it."""


@dataclass(frozen=True, slots=True)
class ReplicationDirection:
    publisher: SchedulingDatabase
    subscriber: SchedulingDatabase

    @property
    def subscription(self) -> str:
        """Also the slot's name. Slots belong to a server, so it says between which two databases."""
        both = f"{urlsplit(self.publisher.url).path}{urlsplit(self.subscriber.url).path}"
        tag = blake2b(both.encode(), digest_size=4).hexdigest()
        return f"scheduling_{_plain(self.publisher.name)}_to_{_plain(self.subscriber.name)}_{tag}"

    @property
    def connection(self) -> str:
        """How the subscriber's server enters the publisher: with a password, as a subscription of no superuser must."""
        parts = conninfo_to_dict(self.publisher.url_as(REPLICATOR))
        seen = self.publisher.seen_from_other
        if seen is not None:
            host, _, port = seen.rpartition(":")
            parts |= {"host": host, "port": port}
        # A publisher that is away without a word is noticed in seconds, not when the network's patience ends.
        noticing: dict[str, Any] = {
            "connect_timeout": 5,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        }
        return make_conninfo(**{**noticing, **parts})

    def __str__(self) -> str:
        return f"{self.publisher.name} to {self.subscriber.name}"


def directions(databases: SchedulingDatabases) -> tuple[ReplicationDirection, ReplicationDirection]:
    """There and back."""
    return ReplicationDirection(databases.monolith, databases.scheduling), ReplicationDirection(
        databases.scheduling, databases.monolith
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", name.lower())
