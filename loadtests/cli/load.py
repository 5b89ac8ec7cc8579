"""Send a peak hour through either adapter, and compare."""

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
from monolith.cutover.scheduling_flag import ADAPTER_FOR, AdapterName
from monolith.cutover.service import ControlPlane

FLAG_REFRESH_SECONDS = 1.0
POSITIVE = click.FloatRange(min=0, min_open=True, max=100_000)


@click.command()
@click.option("--seconds", type=POSITIVE, default=60.0, show_default=True, help="Length of the peak hour, per adapter.")
@click.option(
    "--rate", type=POSITIVE, default=60.0, show_default=True, help="Scheduling requests a second at the peak."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds give equal arrivals.")
@click.option("--host", metavar="URL", help="Address of the monolith; default: the running demo.")
def load(seconds: float, rate: float, seed: int, host: str | None) -> None:
    """Send a peak hour through each adapter in turn, and compare the latencies.

    The load consists of slot searches and bookings, with a low constant rate of sign-ins, invoices, prices and
    preferences. It uses one business per adapter, opened on the first call. Prints the latency of each module, counted
    from the intended start of a request. Ctrl-C prints the results until then.
    """
    _require_locust()
    host = (host or deployment_environment("monolith")["PUBLIC_URL"]).rstrip("/")
    path = read_settings(os.environ).data / "load.json"
    try:
        with control_plane() as plane:
            description = BusinessFile(list(_businesses(plane, host, _known_businesses(path))))
    except LoadError as error:
        raise CommandError(str(error)) from error
    write_private(path, msgspec.json.encode(description).decode())
    arguments = {"--host": host, "--businesses": path, "--seconds": seconds, "--rate": rate, "--seed": seed}
    command = [str(word) for option in arguments.items() for word in option]
    sys.stdout.flush()
    # Replace this process, so that the load test handles Ctrl-C itself.
    os.execv(sys.executable, [sys.executable, "-m", "loadtests.generator.compare_adapters", *command])  # noqa: S606


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
