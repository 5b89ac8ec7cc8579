"""Putting a relay together, for the relay's own process and for the monolith's worker."""

from contracts.scheduling.values import DatabaseName
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.outbox import Outbox
from scheduling_service.relay.relay import Limits, Relay
from scheduling_service.relay.stream import EventStream


def build_relay(
    source: DatabaseName,
    database_url: str,
    role_secret: str,
    redis_url: str,
    metrics: RelayMetrics,
    limits: Limits | None = None,
) -> Relay:
    """The relay of the database at `database_url`, which holds the side `source` of scheduling. Connects later."""
    return Relay(Outbox(database_url, role_secret), EventStream(redis_url, source), metrics, limits)
