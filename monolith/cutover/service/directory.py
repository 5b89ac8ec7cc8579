"""Businesses by slug, with the database that owns each."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import psycopg
from msgspec import Struct

from contracts.scheduling.values import DatabaseName
from monolith.cutover.inventory import BusinessInventory, read_inventory
from monolith.cutover.service.errors import UnknownBusiness
from monolith.cutover.store import ownership
from monolith.modules.auth.api import AuthApi
from monolith.modules.scheduling.ownership import Ownership
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import BusinessRef

BusinessState = Literal["not opened yet", "active", "no lease", "owner's database unreachable"]
Inventories = dict[DatabaseName, dict[UUID, BusinessInventory] | None]
"""By database; None for one that is unreachable."""


class BusinessStatus(Struct, frozen=True):
    """`held` counts what the owner's database holds of the business; None when that is unknown."""

    slug: str
    owner: Ownership | None
    state: BusinessState
    held: BusinessInventory | None = None


class BusinessDirectory:
    """Reads the monolith's database; only `statuses` connects to the scheduling databases."""

    def __init__(self, auth: AuthApi, cutover: ModuleDatabase) -> None:
        self._auth, self._cutover = auth, cutover

    def find(self, slug: str) -> BusinessRef:
        """Raise UnknownBusiness when there is none."""
        found = self._auth.business_by_slug(slug)
        if found is None:
            raise UnknownBusiness(slug)
        return found

    def all(self) -> Sequence[BusinessRef]:
        """Return every business, sorted by slug."""
        return self._auth.businesses()

    def slugs(self) -> dict[UUID, str]:
        return {business.business_id: business.slug for business in self.all()}

    def owners(self) -> dict[UUID, Ownership]:
        """Return the routing table, which omits businesses that are not open yet."""
        with self._cutover.transaction() as connection:
            return ownership.all_owners(connection)

    def owned_by(self, database: DatabaseName) -> list[BusinessRef]:
        """Return the businesses that a database owns, sorted by slug."""
        owners = self.owners()
        return [
            each for each in self.all() if each.business_id in owners and owners[each.business_id].owner == database
        ]

    def statuses(self, inventory_urls: dict[DatabaseName, str]) -> list[BusinessStatus]:
        """Return the status of every business, sorted by slug.

        The URLs carry the credentials of role `scheduling_operator`.

        Raises psycopg.errors.UndefinedTable for a database that is not migrated.
        """
        owners = self.owners()
        inventories: Inventories = {name: _read(url) for name, url in inventory_urls.items()}
        return [_status(each, owners.get(each.business_id), inventories) for each in self.all()]


def _read(url: str) -> dict[UUID, BusinessInventory] | None:
    try:
        return read_inventory(url)
    except psycopg.OperationalError:
        return None


def _status(
    business: BusinessRef,
    owner: Ownership | None,
    inventories: Inventories,
) -> BusinessStatus:
    if owner is None:
        return BusinessStatus(business.slug, None, "not opened yet")
    inventory = inventories[owner.owner]
    if inventory is None:
        return BusinessStatus(business.slug, owner, "owner's database unreachable")
    held = inventory.get(business.business_id)
    if held is None:
        return BusinessStatus(business.slug, owner, "not opened yet")
    return BusinessStatus(business.slug, owner, "active" if held.lease_active else "no lease", held)
