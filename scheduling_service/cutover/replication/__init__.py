"""Both databases hold every business: logical replication in both directions, started while the traffic runs."""

from scheduling_service.cutover.replication.canary import Canary, CanaryLost, send_canary
from scheduling_service.cutover.replication.preflight import Refused
from scheduling_service.cutover.replication.starting import start
from scheduling_service.cutover.replication.state import Progress, Status, problems, status
from scheduling_service.cutover.replication.stopping import stop

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
