"""How large a deployment must be: from the processor time that a laboratory measured to cores, databases and sessions.

The model is the utilization law: a role that uses D core-seconds for each arrival needs λ · D / U cores at λ arrivals a
second, if it shall be busy at most the share U of the time. It extrapolates linearly what was measured on one core, so
it is a first estimate to budget by and to be replaced by a measurement on the real servers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from loadtests.lab.results.model import Trial

POSTGRES: Final = "postgres-"
"""The beginning of the names of the database servers' roles."""
FRONT_WEB: Final = "front-web"
SCHEDULING_WEB: Final = "scheduling-web"
SECONDS_PER_HOUR: Final = 3600
DAYS_PER_YEAR: Final = 365


class NotMeasured(Exception):
    """Results without the readings that the model needs; the message says which."""


@dataclass(frozen=True, slots=True)
class MeasuredDemand:
    """Core-milliseconds of each role for an arrival at scheduling, together with the other modules' load beside it.

    `bookings` is the share of arrivals that booked.
    """

    cpu_ms: Mapping[str, float]
    bookings: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What a laboratory cannot measure. Prices are for a month, in any currency.

    `peak_factor` is the arrival rate of the busiest minutes relative to the mean of the `busy_hours`. `utilization` is
    the share of its time that a role may be busy at that rate. `largest_database` is the number of cores of the largest
    database server. `threads` are those of one web process, of which each uses one core. `booking_bytes` are the stored
    bytes of one booking, with its history, indexes and outbox row.
    """

    busy_hours: float = 10
    peak_factor: float = 3.6
    utilization: float = 0.6
    largest_database: int = 64
    threads: int = 16
    booking_bytes: float = 2_000
    core_price: float = 20
    gigabyte_price: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSize:
    """The size of a deployment for a number of bookings a day; `cores` are by role, at the peak."""

    bookings_per_day: float
    peak: float
    """Arrivals at scheduling, a second."""
    cores: Mapping[str, float]
    databases: Mapping[str, int]
    """Database servers by role: more than one where the largest server is too small."""
    sessions: Mapping[str, int]
    """Database sessions by role."""
    gigabytes_per_year: float
    price: float
    """A month, with the storage of one year."""

    @property
    def web_cores(self) -> float:
        return sum(cores for role, cores in self.cores.items() if role in (FRONT_WEB, SCHEDULING_WEB))

    @property
    def database_cores(self) -> float:
        return sum(cores for role, cores in self.cores.items() if role.startswith(POSTGRES))


def measured_demand(trials: Sequence[Trial], arm: str) -> MeasuredDemand:
    """Return the mean demand over the arm's capacity trials that count. Raises NotMeasured."""
    mine = [each for each in trials if each.arm == arm and each.purpose == "capacity" and each.valid and each.roles]
    arrivals = sum(each.modules["scheduling"].arrivals for each in mine)
    bookings = sum(each.bookings for each in mine)
    if not bookings:
        raise NotMeasured(f"the results have no capacity of {arm} with the processor time of its roles")
    roles = dict.fromkeys(role for each in mine for role in each.roles)
    used = {role: sum(each.roles[role].cpu_ms for each in mine if role in each.roles) for role in roles}
    return MeasuredDemand({role: cpu_ms / arrivals for role, cpu_ms in used.items()}, bookings / arrivals)


def size_deployment(demand: MeasuredDemand, bookings_per_day: float, given: Assumptions) -> DeploymentSize:
    """Return the size that serves the peak of that many bookings a day."""
    mean = bookings_per_day / demand.bookings / (given.busy_hours * SECONDS_PER_HOUR)
    peak = mean * given.peak_factor
    cores = {role: peak * cpu_ms / 1000 / given.utilization for role, cpu_ms in demand.cpu_ms.items()}
    gigabytes = bookings_per_day * DAYS_PER_YEAR * given.booking_bytes / 1e9
    return DeploymentSize(
        bookings_per_day=bookings_per_day,
        peak=peak,
        cores=cores,
        databases={
            role: max(1, math.ceil(each / given.largest_database))
            for role, each in cores.items()
            if role.startswith(POSTGRES)
        },
        sessions=_sessions(cores, given.threads),
        gigabytes_per_year=gigabytes,
        price=sum(cores.values()) * given.core_price + gigabytes * given.gigabyte_price,
    )


def _sessions(cores: Mapping[str, float], threads: int) -> dict[str, int]:
    """Return the database sessions of the web processes, one process for each core, as `monolith.wiring` opens them."""
    front, own = (math.ceil(cores.get(role, 0)) for role in (FRONT_WEB, SCHEDULING_WEB))
    # auth has a session for each thread, billing and notifications half as many each, flags and cutover a few.
    modules = front * (2 * threads + 5)
    if f"{POSTGRES}scheduling" not in cores:
        return {f"{POSTGRES}main": modules + (own or front) * threads}
    return {f"{POSTGRES}main": modules, f"{POSTGRES}scheduling": own * threads}
