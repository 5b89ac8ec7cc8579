"""Businesses that receive load, opened on the first use.

One per adapter of a deployment, or one at an address whose databases are out of reach.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Final, get_args

import msgspec

from deploy.deployment import deployment_environment
from deploy.devstack.keys import write_private
from deploy.errors import CommandError
from loadtests.generator.businesses import BusinessFile, LoadBusiness, open_business, read_business_file
from monolith.cutover.scheduling_flag import AdapterName, adapter_for
from monolith.cutover.service import ControlPlane, ExtractionFinalized
from monolith.operators import register_business
from monolith.shared.endpoints import ApiError

FILE: Final = "load.json"
TARGET: Final = "target"
"""The side of a business whose adapter is not known."""


def open_demo_businesses(
    plane: ControlPlane, host: str, data: Path, actor: str, say: Callable[[str], None]
) -> list[LoadBusiness]:
    """Return at least one business per adapter, and store them below `data`; those of earlier calls are used again.

    The adapter of a new one is chosen for this business alone, audited as by `actor`. Raises LoadError and
    CommandError.
    """
    path = data / FILE
    businesses = list(_businesses(plane, host, _known(path), actor, say))
    _store(path, businesses)
    return businesses


def open_target_business(host: str, path: Path, say: Callable[[str], None]) -> None:
    """Store one business in the file `path`, unless it has one of this host; uses the public API only.

    Raises LoadError.
    """
    if not _known(path):
        say(f"opening a business for the load at {host}")
        _store(path, [open_business(host, f"load-{token_hex(4)}", TARGET)])


def _known(path: Path) -> Sequence[LoadBusiness]:
    return read_business_file(path).businesses if path.exists() else []


def _store(path: Path, businesses: list[LoadBusiness]) -> None:
    write_private(path, msgspec.json.encode(BusinessFile(businesses)).decode())


def _businesses(
    plane: ControlPlane, host: str, known: Sequence[LoadBusiness], actor: str, say: Callable[[str], None]
) -> Iterator[LoadBusiness]:
    owners = plane.directory.owners()
    ids = {slug: business_id for business_id, slug in plane.directory.slugs().items()}
    owned_by: set[str] = set()
    for business in known:
        owner = owners.get(ids[business.slug]) if business.slug in ids else None
        if owner is not None:
            adapter = adapter_for(owner.owner)
            owned_by.add(adapter)
            yield msgspec.structs.replace(business, side=adapter)
    for adapter in get_args(AdapterName):
        if adapter not in owned_by:
            say(f"opening a business for the load, with the adapter {adapter}")
            choose = partial(_choose_adapter, plane, adapter, actor)
            try:
                opened = open_business(host, f"load-{token_hex(4)}", adapter, before_sign_up=choose)
            except ExtractionFinalized:
                say("the extraction was finalized: only the service receives load")
                continue
            yield opened


def _choose_adapter(
    plane: ControlPlane, adapter: AdapterName, actor: str, details: Mapping[str, str], key: str
) -> None:
    """Store the business, and let its sign-up, which follows, open it with this adapter."""
    monolith = deployment_environment("monolith")
    url, secret = monolith["MONOLITH_DATABASE_URL"], monolith["DATABASE_ROLE_SECRET"]
    plane.adapter.require_way_back(adapter)
    try:
        business = register_business(url, secret, details, key=key)
    except ApiError as error:
        raise CommandError(f"no business could be opened for the load: {error.message}") from error
    plane.new_businesses.choose_adapter(business.business_id, adapter, actor=actor, reason="a business for load")
