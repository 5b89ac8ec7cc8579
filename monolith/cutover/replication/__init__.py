"""Both databases hold every business: logical replication in both directions, started while the traffic runs."""

from monolith.cutover.replication.canary import Canary, CanaryLost, send_canary
from monolith.cutover.replication.preflight import Refused
from monolith.cutover.replication.starting import start
from monolith.cutover.replication.state import Progress, Status, problems, status
from monolith.cutover.replication.stopping import stop

__all__ = [
    "Canary",
    "CanaryLost",
    "Progress",
    "Refused",
    "Status",
    "problems",
    "send_canary",
    "start",
    "status",
    "stop",
]
