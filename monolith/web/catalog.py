"""The services and providers of a business, as pages need them."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from contracts.scheduling import models as m
from monolith.web.page_context import PageContext


@dataclass(frozen=True)
class Catalog:
    """The services and providers of a business, sorted by name."""

    offerings: tuple[m.Offering, ...]
    providers: tuple[m.Provider, ...]

    def offering(self, offering_id: UUID | None) -> m.Offering | None:
        return next((each for each in self.offerings if each.offering_id == offering_id), None)

    def provider(self, provider_id: UUID | None) -> m.Provider | None:
        return next((each for each in self.providers if each.provider_id == provider_id), None)

    def providers_of(self, *offerings: m.Offering) -> list[m.Provider]:
        """Return the active providers who perform all of the offerings."""
        wanted = {each.offering_id for each in offerings}
        return [each for each in self.providers if each.active and wanted <= set(each.offering_ids)]

    @property
    def active_offerings(self) -> list[m.Offering]:
        return [each for each in self.offerings if each.active]

    @property
    def can_be_booked(self) -> bool:
        """Return whether an active provider has working hours and performs an active service."""
        offered = {each.offering_id for each in self.active_offerings}
        return any(
            (each.weekly_hours or each.schedules) and offered & set(each.offering_ids) for each in self.active_providers
        )

    @property
    def active_providers(self) -> list[m.Provider]:
        return [each for each in self.providers if each.active]


def read_catalog(page: PageContext) -> Catalog:
    context, port = page.call_context(), page.port
    return Catalog(
        port.list_offerings(context, m.ListOfferings()).offerings,
        port.list_providers(context, m.ListProviders()).providers,
    )


def id_in(values: Mapping[str, str], name: str) -> UUID | None:
    """Return the id in a form or query; None if it is missing or malformed."""
    try:
        return UUID(values.get(name, ""))
    except ValueError:
        return None
