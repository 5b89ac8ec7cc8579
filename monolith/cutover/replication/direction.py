"""One direction of replication, from a publishing to a subscribing database."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from contracts.chassis.logins import accepted_url
from monolith.cutover.databases import REPLICATOR, DatabasePair, SchedulingDatabase

PUBLICATION = "scheduling"
"""The publication that `scheduling.publish` creates."""


@dataclass(frozen=True, slots=True)
class ReplicationDirection:
    publisher: SchedulingDatabase
    subscriber: SchedulingDatabase

    @property
    def subscription(self) -> str:
        """The name of the subscription and of its slot, unique per pair of databases since slots belong to a server."""
        both = f"{urlsplit(self.publisher.url).path}{urlsplit(self.subscriber.url).path}"
        tag = blake2b(both.encode(), digest_size=4).hexdigest()
        return f"scheduling_{_plain(self.publisher.name)}_to_{_plain(self.subscriber.name)}_{tag}"

    @property
    def connection(self) -> str:
        """The subscriber's connection string for the publisher, with the password that a non-superuser needs.

        During a rotation, it is the one that the publisher accepts now. Raises psycopg.OperationalError.
        """
        parts = conninfo_to_dict(accepted_url(self.publisher.url_as(REPLICATOR)))
        seen = self.publisher.seen_from_other
        if seen is not None:
            host, _, port = seen.rpartition(":")
            parts |= {"host": host, "port": port}
        # Detect a publisher that vanished without closing the connection within seconds.
        timeouts: dict[str, Any] = {
            "connect_timeout": 5,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        }
        return make_conninfo(**{**timeouts, **parts})

    def __str__(self) -> str:
        return f"{self.publisher.name} to {self.subscriber.name}"


def directions(pair: DatabasePair) -> tuple[ReplicationDirection, ReplicationDirection]:
    """Both directions: from the first database of the pair, then from the second."""
    return ReplicationDirection(pair.one, pair.other), ReplicationDirection(pair.other, pair.one)


def start_command(direction: ReplicationDirection) -> str:
    """The command that starts replication of the two databases."""
    names = sorted((direction.publisher.name, direction.subscriber.name))
    between = "" if names == ["monolith", "scheduling"] else f" --between {' '.join(names)}"
    return f"extraction replicate start{between}"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", name.lower())
