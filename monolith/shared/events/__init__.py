"""Consumption of scheduling's events: exactly one effect per event, in order per appointment."""

from monolith.shared.events.consumer import Consumer, EventRejected
from monolith.shared.events.tables import ConsumerTables, allow_pruning, consumer_tables, create_consumer_tables

__all__ = [
    "Consumer",
    "ConsumerTables",
    "EventRejected",
    "allow_pruning",
    "consumer_tables",
    "create_consumer_tables",
]
