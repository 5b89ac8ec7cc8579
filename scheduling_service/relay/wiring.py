"""Composition of the relay, for the relay process and for the monolith's worker."""

from contracts.scheduling.event_signatures import EventSecrets
from contracts.scheduling.values import DatabaseName
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.outbox import Outbox
from scheduling_service.relay.relay import Relay, RelayLimits
from scheduling_service.relay.stream import EventStream


def build_relay(
    source: DatabaseName,
    direct_url: str,
    role_secret: str,
    redis_url: str,
    metrics: RelayMetrics,
    limits: RelayLimits | None = None,
    secrets: EventSecrets | None = None,
) -> Relay:
    """Build the relay of the database `source`, at `direct_url` without a pooler. It connects later.

    It signs the events if there are `secrets`.
    """
    return Relay(Outbox(direct_url, role_secret), EventStream(redis_url, source, secrets), metrics, limits)
