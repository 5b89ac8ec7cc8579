"""Send a peak hour through either adapter; compare two results."""

import importlib.util
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import get_args

import click
import msgspec

from deploy.control_plane import control_plane
from deploy.deployment import deployment_environment
from deploy.devstack.keys import write_private
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError
from loadtests.generator.api_client import LoadError
from loadtests.generator.businesses import BusinessFile, LoadBusiness, open_business, read_business_file
from loadtests.generator.compare_results import Tolerances, compare
from loadtests.generator.promises import parse_limits
from loadtests.generator.thresholds import parse_thresholds
from monolith.cutover.scheduling_flag import ADAPTER_FOR, AdapterName
from monolith.cutover.service import ControlPlane

FLAG_REFRESH_SECONDS = 1.0
POSITIVE = click.FloatRange(min=0, min_open=True, max=100_000)
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
@click.option("--host", metavar="URL", help="Address of the monolith; default: the running demo.")
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
    results until then.

    Exit codes: 0 if all thresholds are satisfied; 1 if one is not, or, without thresholds, if a request failed; 2 if
    the load could not be sent; 3 if the generator did not keep its schedule, so that no threshold can be claimed.
    """
    if context.invoked_subcommand is not None:
        return
    _require_locust()
    host = (host or deployment_environment("monolith")["PUBLIC_URL"]).rstrip("/")
    path = read_settings(os.environ).data / "load.json"
    try:
        # Before any business is opened.
        parse_thresholds(thresholds)
        parse_limits(limits)
        with control_plane() as plane:
            description = BusinessFile(list(_businesses(plane, host, _known_businesses(path))))
    except LoadError as error:
        raise CommandError(str(error)) from error
    write_private(path, msgspec.json.encode(description).decode())
    repeated = [("--threshold", threshold) for threshold in thresholds] + [("--limit", limit) for limit in limits]
    single = {"host": host, "businesses": path, **options}
    given = [(f"--{name.replace('_', '-')}", value) for name, value in single.items() if value is not None]
    command = [str(word) for option in (*repeated, *given) for word in option]
    sys.stdout.flush()
    # Replace this process, so that the load test handles Ctrl-C itself.
    os.execv(sys.executable, [sys.executable, "-m", "loadtests.generator.compare_adapters", *command])  # noqa: S606


@load.command("compare")
@click.argument("one", metavar="A", type=click.Path(path_type=Path))
@click.argument("other", metavar="B", type=click.Path(path_type=Path))
@LIMIT
@click.option(
    "--tolerance", type=click.FloatRange(min=1), default=1.1, show_default=True, help="Ratio of median latencies."
)
@click.option(
    "--points",
    type=click.FloatRange(min=0),
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


def _require_locust() -> None:
    if importlib.util.find_spec("locust") is None:
        raise CommandError("Locust is not installed: run `make load`, or install deploy/requirements/load.txt")


def _known_businesses(path: Path) -> Sequence[LoadBusiness]:
    return read_business_file(path).businesses if path.exists() else []


def _businesses(plane: ControlPlane, host: str, known: Sequence[LoadBusiness]) -> Iterator[LoadBusiness]:
    """Yield at least one business per adapter; those of earlier runs that still exist are used again."""
    owners = plane.directory.owners()
    ids = {slug: business_id for business_id, slug in plane.directory.slugs().items()}
    owned_by: set[str] = set()
    for business in known:
        owner = owners.get(ids[business.slug]) if business.slug in ids else None
        if owner is not None:
            adapter = ADAPTER_FOR[owner.owner]
            owned_by.add(adapter)
            yield msgspec.structs.replace(business, side=adapter)
    for adapter in get_args(AdapterName):
        if adapter not in owned_by:
            click.echo(f"opening a business for the load, with the adapter {adapter}")
            with _flag_set_to(plane, adapter):
                yield open_business(host, f"load-{token_hex(4)}", adapter)


@contextmanager
def _flag_set_to(plane: ControlPlane, adapter: AdapterName) -> Iterator[None]:
    """Set the flag within the block, since it decides the adapter of new businesses; both changes are audited."""
    before = plane.adapter.default()
    if before == adapter:
        yield
        return
    _set(plane, adapter, "`extraction load` opens a business with this adapter")
    try:
        yield
    finally:
        _set(plane, before, "`extraction load` restores the flag")


def _set(plane: ControlPlane, adapter: AdapterName, reason: str) -> None:
    plane.adapter.set_default(adapter, actor="cli:load", reason=reason)
    time.sleep(FLAG_REFRESH_SECONDS)
