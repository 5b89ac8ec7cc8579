"""Logical replication of every business in both directions, started while the businesses are in use."""

from monolith.cutover.replication.canary import Canary, CanaryLost, send_canary
from monolith.cutover.replication.direction import directions
from monolith.cutover.replication.reconnecting import reconnect
from monolith.cutover.replication.requirements import ReplicationRefused
from monolith.cutover.replication.starting import start
from monolith.cutover.replication.state import (
    CopyProgress,
    find_problems,
    is_replicating,
    read_complete_subscription,
    read_status,
)
from monolith.cutover.replication.status import ReplicationStatus
from monolith.cutover.replication.stopping import stop

__all__ = [
    "Canary",
    "CanaryLost",
    "CopyProgress",
    "ReplicationRefused",
    "ReplicationStatus",
    "directions",
    "find_problems",
    "is_replicating",
    "read_complete_subscription",
    "read_status",
    "reconnect",
    "send_canary",
    "start",
    "stop",
]
