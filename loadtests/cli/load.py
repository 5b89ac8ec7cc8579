"""Send a peak hour through either adapter; compare two results."""

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from deploy.cli.options import NumberRange, current_actor
from deploy.control_plane import control_plane
from deploy.deployment import deployment_environment
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError
from loadtests.generator.api_client import LoadError
from loadtests.generator.compare_results import Tolerances, compare
from loadtests.generator.promises import parse_limits
from loadtests.generator.thresholds import parse_thresholds
from loadtests.harness.demo_businesses import FILE, open_demo_businesses, open_target_business

POSITIVE = NumberRange(min=0, min_open=True, max=100_000)
LIMIT = click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="[NAME=]DURATION",
    help="Limit of a promise, such as 500ms or book=1s; repeatable. Default: 500ms.",
)
JUNIT = click.option("--junit", metavar="FILE", help="Write the checked conditions as JUnit XML.")


@click.group(invoke_without_command=True)
@click.option("--seconds", type=POSITIVE, default=60.0, show_default=True, help="Length of the peak hour, per adapter.")
@click.option(
    "--rate", type=POSITIVE, default=60.0, show_default=True, help="Scheduling arrivals a second at the peak."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds give equal arrivals and choices.")
@click.option(
    "--host",
    metavar="URL",
    help="Address of a deployment without access to its databases: one business, with the adapter that new ones have. "
    "Default: the deployment of the environment, or the running demo, with a business per adapter.",
)
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="CONDITION",
    help="A condition on the results, such as 'scheduling.p99<800ms' or 'errors<1%'; repeatable.",
)
@LIMIT
@click.option("--max-send-delay", default="5ms", show_default=True, help="Limit of the generator's own delay (p99).")
@click.option("--results", metavar="FOLDER", help="Store rows and description of each adapter's run.")
@JUNIT
@click.option("--metrics-port", type=click.IntRange(1, 65_535), help="Serve metrics for Prometheus on this port.")
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address on which metrics are served.")
@click.pass_context
def load(
    context: click.Context,
    /,
    host: str | None,
    thresholds: Sequence[str],
    limits: Sequence[str],
    **options: object,
) -> None:
    """Send a peak hour through each adapter in turn, and compare the latencies.

    The load consists of slot searches, bookings and sessions that search, hold and confirm, with a low constant rate of
    sign-ins, invoices, prices and preferences. It uses one business per adapter, opened on the first call. Prints
    latencies and kept promises by module and journey, counted from the intended start of a request. Ctrl-C prints the
    results until then. No other business is affected: the adapter is chosen for these businesses alone.

    Exit codes: 0 if all thresholds are satisfied; 1 if one is not, or, without thresholds, if a request failed; 2 if
    the load could not be sent; 3 if the generator did not keep its schedule, so that no threshold can be claimed.
    """
    if context.invoked_subcommand is not None:
        return
    _require_locust()
    try:
        # Before any business is opened.
        parse_thresholds(thresholds)
        parse_limits(limits)
        host, businesses = _open_businesses(host, read_settings(os.environ).data)
    except LoadError as error:
        raise CommandError(str(error)) from error
    repeated = [("--threshold", threshold) for threshold in thresholds] + [("--limit", limit) for limit in limits]
    single = {"host": host, "businesses": businesses, **options}
    given = [(f"--{name.replace('_', '-')}", value) for name, value in single.items() if value is not None]
    command = [str(word) for option in (*repeated, *given) for word in option]
    sys.stdout.flush()
    # Replace this process, so that the load test handles Ctrl-C itself.
    os.execv(sys.executable, [sys.executable, "-m", "loadtests.generator.compare_adapters", *command])  # noqa: S606


@load.command("compare")
@click.argument("one", metavar="A", type=click.Path(path_type=Path))
@click.argument("other", metavar="B", type=click.Path(path_type=Path))
@LIMIT
@click.option("--tolerance", type=NumberRange(min=1), default=1.1, show_default=True, help="Ratio of median latencies.")
@click.option(
    "--points",
    type=NumberRange(min=0),
    default=2.0,
    show_default=True,
    help="Percentage points of kept promises and of conflicts.",
)
@JUNIT
def compare_results(
    one: Path, other: Path, limits: Sequence[str], tolerance: float, points: float, junit: str | None
) -> None:
    """Compare two results of `extraction load --results` or of the Locust file: is B worse than A?

    A and B are folders with the results of one side each, or of equal sides; both runs must have received the same
    schedule. B is worse where a whole confidence interval is beyond the tolerance.

    Exit codes: 0 if B is not worse; 1 if it is; 2 if the results cannot be compared; 3 if nothing can be claimed,
    because a generator did not keep its schedule or a module has too few requests.
    """
    try:
        tolerances = Tolerances(tolerance, points)
        sys.exit(compare(one, other, parse_limits(limits), tolerances, Path(junit) if junit else None))
    except LoadError as error:
        raise CommandError(str(error)) from error


def _open_businesses(host: str | None, data: Path) -> tuple[str, Path]:
    """Return the address of the monolith, and the file of the businesses. Raises LoadError."""
    if host is not None:
        host = host.rstrip("/")
        path = data / f"load-{re.sub(r'[^A-Za-z0-9]+', '-', host)}.json"
        open_target_business(host, path, click.echo)
        return host, path
    host = deployment_environment("monolith")["PUBLIC_URL"].rstrip("/")
    with control_plane() as plane:
        open_demo_businesses(plane, host, data, current_actor(), click.echo)
    return host, data / FILE


def _require_locust() -> None:
    if importlib.util.find_spec("locust") is None:
        raise CommandError("Locust is not installed: run `make load`, or install deploy/requirements/load.txt")
