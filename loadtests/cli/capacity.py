"""Estimate the servers for a number of bookings a day."""

from collections.abc import Iterable
from pathlib import Path

import click

from deploy.cli.options import NumberRange
from deploy.errors import CommandError
from loadtests.lab.results.model import ResultsError, read_results
from loadtests.lab.sizing import Assumptions, DeploymentSize, NotMeasured, measured_demand, size_deployment

PUBLISHED = Path(__file__).parents[1] / "lab" / "published" / "founder" / "results.json"
DEFAULTS = Assumptions()
SCALES = (1e3, 1e5, 1e7, 4e7)
_COLUMNS = (
    *("bookings a day", "arm", "peak/s", "web cores", "worker cores", "database cores", "database servers"),
    *("sessions", "GB a year", "price a month"),
)


@click.command()
@click.option("--results", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=PUBLISHED,
              help="results.json of a laboratory; default: the published founder's.")  # fmt: skip
@click.option("--arms", default="M1,X", show_default=True, help="Topologies to size, separated by commas.")
@click.option("--bookings", "scales", type=NumberRange(min=1), multiple=True, default=SCALES,
              help="Bookings a day. Repeatable; default: from a thousand to forty million.")  # fmt: skip
@click.option("--busy-hours", type=NumberRange(0.1, 24), default=DEFAULTS.busy_hours, show_default=True,
              help="Hours of a day in which people book.")  # fmt: skip
@click.option("--peak-factor", type=NumberRange(min=1), default=DEFAULTS.peak_factor, show_default=True,
              help="Rate of the busiest minutes, relative to the mean of the busy hours.")  # fmt: skip
@click.option("--utilization", type=NumberRange(0.01, 1), default=DEFAULTS.utilization, show_default=True,
              help="Share of its time that a server may be busy at the peak.")  # fmt: skip
@click.option("--largest-database", type=click.IntRange(min=1), default=DEFAULTS.largest_database, show_default=True,
              help="Cores of the largest database server to be had.")  # fmt: skip
@click.option("--core-price", type=NumberRange(min=0), default=DEFAULTS.core_price, show_default=True,
              help="Price of a core for a month, in any currency.")  # fmt: skip
@click.option("--gigabyte-price", type=NumberRange(min=0), default=DEFAULTS.gigabyte_price, show_default=True,
              help="Price of a gigabyte of storage for a month.")  # fmt: skip
def capacity(
    results: Path, arms: str, scales: tuple[float, ...], busy_hours: float, peak_factor: float, utilization: float,
    largest_database: int, core_price: float, gigabyte_price: float,
) -> None:  # fmt: skip
    """Estimate the servers for a number of bookings a day.

    Prints a Markdown table, computed from a laboratory's measurements. It extrapolates linearly from what one core did:
    use it to budget, and measure on the real servers before you rely on it.
    """
    given = Assumptions(
        busy_hours=busy_hours,
        peak_factor=peak_factor,
        utilization=utilization,
        largest_database=largest_database,
        core_price=core_price,
        gigabyte_price=gigabyte_price,
    )
    try:
        trials = read_results(results.read_bytes(), str(results)).trials
        demands = {arm: measured_demand(trials, arm) for arm in arms.split(",")}
    except (ResultsError, NotMeasured) as error:
        raise CommandError(f"{results} cannot be used: {error}") from error
    click.echo(_line(_COLUMNS))
    click.echo(_line("---:" for _ in _COLUMNS))
    for scale in scales:
        for arm, demand in demands.items():
            click.echo(_line(_cells(arm, size_deployment(demand, scale, given))))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(arm: str, size: DeploymentSize) -> list[str]:
    other = sum(size.cores.values()) - size.web_cores - size.database_cores
    return [
        f"{size.bookings_per_day:,.0f}",
        arm,
        _rounded(size.peak),
        _rounded(size.web_cores),
        _rounded(other),
        _rounded(size.database_cores),
        " + ".join(str(count) for count in size.databases.values()),
        " + ".join(f"{count:,}" for count in size.sessions.values()),
        _rounded(size.gigabytes_per_year),
        _rounded(size.price),
    ]


def _rounded(value: float) -> str:
    """Two significant digits: the model is not more precise."""
    return f"{float(f'{value:.2g}'):,g}"
