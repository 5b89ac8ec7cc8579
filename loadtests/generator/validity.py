"""Whether a run's figures can be claimed: the generator kept its schedule, and all its rows are there.

An invalid generator makes a system look slower or faster than it is, so it fails every claim of its run.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from loadtests.generator.latency_table import send_delay
from loadtests.generator.promises import PromiseLimits
from loadtests.generator.rows import RequestRow
from loadtests.generator.self_report import GeneratorReport

MAX_DELAY_SECONDS: Final = 0.005


class ValidityLimits(NamedTuple):
    """`send_delay` limits the 99th percentile of the generator's own delay in seconds, `cpu` the share of its core, and
    `dropped` the share of arrivals that the generator dropped although the system kept up."""

    send_delay: float = MAX_DELAY_SECONDS
    cpu: float = 0.85
    dropped: float = 0.01


def merge_reports(reports: Sequence[GeneratorReport]) -> GeneratorReport:
    """Return the report of several processes that shared one schedule; `cpu` is that of the busiest."""
    return GeneratorReport(
        planned=sum(report.planned for report in reports),
        began=min((report.began for report in reports), default=0.0),
        seconds=max((report.seconds for report in reports), default=0.0),
        cpu=max((report.cpu for report in reports), default=0.0),
        in_flight=sum(report.in_flight for report in reports),
        complete=bool(reports) and all(report.complete for report in reports),
        skipped=sum(report.skipped for report in reports),
    )


def find_validity_problems(
    rows: Sequence[RequestRow], report: GeneratorReport, promises: PromiseLimits, limits: ValidityLimits
) -> list[str]:
    """Return the reasons why the run of one side is invalid, one sentence each; empty for a valid run."""
    found, delay = [], send_delay(rows) or 0.0
    missing = report.planned - report.skipped - len({row.arrival for row in rows})
    if not report.complete:
        found.append("the run was interrupted")
    elif missing:
        found.append(f"{missing} of {report.planned} planned arrivals left no row")
    if delay > limits.send_delay:
        found.append(
            f"the generator was late: p99 of its send delay was {delay * 1000:.1f} ms, above the limit of "
            f"{limits.send_delay * 1000:g} ms"
        )
    if report.cpu > limits.cpu:
        found.append(f"the generator used {report.cpu:.0%} of its core, above the limit of {limits.cpu:.0%}")
    dropped = sum(row.outcome == "dropped" for row in rows)
    if rows and dropped / len(rows) > limits.dropped and _system_kept_up(rows, promises):
        found.append(
            f"the generator dropped {dropped / len(rows):.1%} of the requests by its own limits, although the system "
            "kept its promises at the same time"
        )
    return found


def describe_generator(rows: Sequence[RequestRow], report: GeneratorReport) -> str:
    """Return one line with the generator's send delay, processor time and drops."""
    dropped = sum(row.outcome == "dropped" for row in rows)
    return (
        f"generator: {len(rows)} requests, p99 of the send delay {(send_delay(rows) or 0.0) * 1000:.1f} ms, "
        f"{report.cpu:.0%} of a core, {dropped} dropped"
    )


def _system_kept_up(rows: Sequence[RequestRow], promises: PromiseLimits) -> bool:
    """Return whether most requests sent in the seconds with drops kept their promise; if not, the system was
    overloaded, and the drops belong to its result."""
    crowded = {(row.side, row.module, int(row.due)) for row in rows if row.outcome == "dropped"}
    concurrent = [row for row in rows if row.outcome != "dropped" and (row.side, row.module, int(row.due)) in crowded]
    return sum(map(promises.kept, concurrent)) > len(concurrent) / 2
