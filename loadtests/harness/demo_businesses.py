"""Businesses of a running demo that receive load: one per adapter, opened on the first use."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Final, get_args

import msgspec

from deploy.devstack.keys import write_private
from loadtests.generator.businesses import BusinessFile, LoadBusiness, open_business, read_business_file
from monolith.cutover.scheduling_flag import ADAPTER_FOR, AdapterName
from monolith.cutover.service import ControlPlane

FILE: Final = "load.json"
FLAG_REFRESH_SECONDS: Final = 1.0


def open_demo_businesses(plane: ControlPlane, host: str, data: Path, say: Callable[[str], None]) -> list[LoadBusiness]:
    """Return at least one business per adapter, and store them below `data`; those of earlier calls are used again.

    Raises LoadError.
    """
    path = data / FILE
    known = read_business_file(path).businesses if path.exists() else []
    businesses = list(_businesses(plane, host, known, say))
    write_private(path, msgspec.json.encode(BusinessFile(businesses)).decode())
    return businesses


def _businesses(
    plane: ControlPlane, host: str, known: Sequence[LoadBusiness], say: Callable[[str], None]
) -> Iterator[LoadBusiness]:
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
            say(f"opening a business for the load, with the adapter {adapter}")
            with _flag_set_to(plane, adapter):
                yield open_business(host, f"load-{token_hex(4)}", adapter)


@contextmanager
def _flag_set_to(plane: ControlPlane, adapter: AdapterName) -> Iterator[None]:
    """Set the flag within the block, since it decides the adapter of new businesses; both changes are audited."""
    before = plane.adapter.default()
    if before == adapter:
        yield
        return
    _set(plane, adapter, "a business for load is opened with this adapter")
    try:
        yield
    finally:
        _set(plane, before, "the flag is restored after a business for load was opened")


def _set(plane: ControlPlane, adapter: AdapterName, reason: str) -> None:
    plane.adapter.set_default(adapter, actor="cli:load", reason=reason)
    time.sleep(FLAG_REFRESH_SECONDS)
