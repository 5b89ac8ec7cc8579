"""Which operations of the port search for free time: those that a cache or a replica may answer."""

from typing import Final

from contracts.scheduling.operations import operation_of
from contracts.scheduling.port import SchedulingPort

SEARCHES: Final = frozenset(
    operation_of(method).name
    for method in (
        SchedulingPort.search_slots,
        SchedulingPort.next_available,
        SchedulingPort.get_overview,
        SchedulingPort.search_visits,
    )
)
