"""databases_*: throughput of booking with one, two and three databases of the service, each with the same quota."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.values import DatabaseName
from deploy.errors import CommandError
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.output import echo
from loadtests.bench.service_databases import BookingLoad, running_service_databases, seed_database
from loadtests.generator.estimates import percentile, ratio
from loadtests.harness.bench_servers import running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.cpu_budgets import CpuBudget, cpu_budgets, reason_unavailable

NAMES: Final[Sequence[DatabaseName]] = ("scheduling", "scheduling-2", "scheduling-3")
QUOTA: Final = 0.1
"""Processor cores of each Postgres server, so little that neither the clients nor the machine limit three of them."""
CLIENTS: Final = 4
"""Per database."""
BUSINESSES: Final = 20
"""Per database."""
_WARM_UP_SECONDS: Final = 1.0


class _Rate(NamedTuple):
    """Bookings per second, and how much of their quotas the databases used."""

    bookings: float
    used: float


def measure(cores: Cores, quick: bool) -> dict[str, Figure]:
    """Book in process, where only the databases have quotas. Returns no figures where quotas are unavailable."""
    reason = reason_unavailable()
    if reason is not None:
        echo(f"several databases are not measured: {reason}")
        return {}
    rates: dict[int, list[float]] = {1: [], 2: [], 3: []}
    with running_bench_servers(cores) as servers, running_service_databases(servers, NAMES, CLIENTS) as running:
        loads = [
            BookingLoad(running.port, seed_database(servers, name, BUSINESSES, 0, seed_number=number))
            for number, name in enumerate(NAMES, 1)
        ]
        with cpu_budgets(dict.fromkeys(NAMES, QUOTA), "databases-") as budgets, cores.generating_load():
            for name, budget in budgets.items():
                budget.add([servers.postgres_pid(name)])
            for turn in range(3 if quick else 8):
                # Alternate the order, so that a trend of the machine favours none.
                for number in sorted(rates, reverse=turn % 2 == 1):
                    found = _measure_rate(loads[:number], list(budgets.values())[:number], 3.0 if quick else 6.0)
                    rates[number].append(found.bookings)
                    echo(f"{number} databases: {found.bookings:.0f} bookings/s, {found.used:.0%} of the quotas used")
    return _figures(rates)


def _figures(rates: Mapping[int, Sequence[float]]) -> dict[str, Figure]:
    found = {
        f"databases_{number}": Figure(percentile(values, 0.5), "1/s", len(values), min(values), max(values))
        for number, values in rates.items()
    }
    for number in (2, 3):
        pairs = [(many, number * one) for one, many in zip(rates[1], rates[number], strict=True)]
        found[f"databases_{number}_linear"] = ratio_figure(ratio(pairs))
    return found


def _measure_rate(loads: Sequence[BookingLoad], budgets: Sequence[CpuBudget], seconds: float) -> _Rate:
    """Book with as many clients for each database."""
    counts, stop, errors = [0] * (len(loads) * CLIENTS), threading.Event(), list[SchedulingError]()

    def run_client(index: int, load: BookingLoad) -> None:
        while not stop.is_set():
            try:
                load.book_next()
            except SchedulingError as error:
                errors.append(error)
                return
            counts[index] += 1

    threads = [
        threading.Thread(target=run_client, args=(index, loads[index // CLIENTS])) for index in range(len(counts))
    ]
    for thread in threads:
        thread.start()
    time.sleep(_WARM_UP_SECONDS)
    before, usage, began = sum(counts), [each.usage() for each in budgets], time.monotonic()
    time.sleep(seconds)
    done, took = sum(counts) - before, time.monotonic() - began
    used_ms = sum(each.usage().since(then).cpu_ms for each, then in zip(budgets, usage, strict=True))
    stop.set()
    for thread in threads:
        thread.join()
    if errors:
        raise CommandError(f"a booking failed: {errors[0].code}: {errors[0].message}")
    return _Rate(done / took, used_ms / (took * 1000 * QUOTA * len(budgets)))
