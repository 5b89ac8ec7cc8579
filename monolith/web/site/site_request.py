"""One request for a page of the booking site: the business, the choice so far, and the links to the other pages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, urlencode
from uuid import UUID

from flask import request, url_for

from monolith.modules.auth.module import Auth
from monolith.modules.billing.api import BillingApi
from monolith.shared.customer_links import CustomerLinks, LinkSubject
from monolith.shared.endpoints.errors import not_found
from monolith.shared.middleware import current_request_context
from monolith.web.catalog import Catalog, read_catalog
from monolith.web.formatting import money
from monolith.web.language import gettext
from monolith.web.page_context import PageContext, PageContextFactory
from monolith.web.site.choice import Choice, read_choice
from monolith.web.site.ended_links import require_valid
from monolith.web.site.guests import Guests
from monolith.web.site.prices import Prices, ShownPrices
from monolith.web.site.zones import VisitorZone, visitor_zone, zones_to_choose


class Site:
    """The services that the pages use."""

    def __init__(self, contexts: PageContextFactory, auth: Auth, billing: BillingApi) -> None:
        self.contexts = contexts
        self.auth = auth
        self.billing = billing
        self.guests = Guests(auth)
        self._shown_prices = ShownPrices(billing.prices)

    @property
    def links(self) -> CustomerLinks:
        return self.auth.links

    def visit(self, slug: str) -> "SiteRequest":
        """Return the visit of this request. Its response may be shown in frames of the business's own sites."""
        page = self.contexts.for_business(slug)
        current_request_context().framed_by = page.business.details.embedding_sites
        catalog = read_catalog(page)
        values = request.form if "offering" in request.form else request.args
        return SiteRequest(self, page, catalog, read_choice(catalog, values), visitor_zone(page.business, values))

    def page_of_token(self, slug: str, token: str) -> tuple[PageContext, UUID]:
        """Return the context of the customer whom a link names, and the appointment. Raises ApiError 404 and 401."""
        subject = self.links.appointment(token)
        if subject is not None:
            require_valid(self.auth.api, subject)
        return self._page_of(slug, subject)

    def page_of_hold(self, slug: str, token: str) -> tuple[PageContext, UUID]:
        """Return the context of the customer of a checkout, and its held time. Raises ApiError 404."""
        return self._page_of(slug, self.links.hold(token))

    def _page_of(self, slug: str, subject: LinkSubject | None) -> tuple[PageContext, UUID]:
        page = self.contexts.for_business(slug)
        if subject is None or subject.business_id != page.business.business_id:
            raise not_found("appointment")
        return page.acting_for(subject.customer_id), subject.subject_id

    def prices(self, page: PageContext) -> Prices:
        """Return amount in minor units and currency of each service that is not free."""
        return self._shown_prices.of(page.business.business_id)


def _encoded(query: Mapping[str, Any]) -> str:
    return urlencode(query, doseq=True, quote_via=_quoted)


# The links of a page repeat the same ids.
_quoted = lru_cache(maxsize=4096)(quote_plus)


@dataclass(frozen=True)
class SiteRequest:
    site: Site
    page: PageContext
    catalog: Catalog
    choice: Choice | None
    zone: VisitorZone
    _paths: dict[str, str] = field(default_factory=dict)

    def address(self, endpoint: str = "business", **changed: Any) -> str:
        """Return the address of a page with the choice so far and some changes."""
        own = self.choice.query(**changed) if self.choice else changed
        given = {name: value for name, value in ({"zone": self.zone.parameter} | own).items() if value is not None}
        if endpoint not in self._paths:
            # A page has dozens of links to the same path, and building it takes longer than the query.
            self._paths[endpoint] = url_for(f"pages.{endpoint}", slug=self.page.business.slug)
        return f"{self._paths[endpoint]}?{_encoded(given)}" if given else self._paths[endpoint]

    def day_address(self, first: date, held: str | None) -> Callable[[date], str]:
        """Return a function for the addresses of days, in a list that begins with `first`."""
        parameters: dict[str, Any] = {"from": first, "held": held}
        without_day = self.address(**parameters)
        return lambda day: f"{without_day}&day={day}#times"

    @property
    def kept(self) -> dict[str, str]:
        """Return the chosen day and the time that is held, for links that change an option."""
        return {name: request.values[name] for name in ("day", "held") if request.values.get(name)}

    def render(self, template: str, **values: Any) -> str:
        shown = {"problem": self.zone.problem} | {name: value for name, value in values.items() if value is not None}
        return self.page.render(
            f"site/{template}",
            choice=self.choice,
            zone=self.zone,
            zones=zones_to_choose(self.zone),
            visit=self,
            framed=request.environ.get("HTTP_SEC_FETCH_DEST") == "iframe",
            **shown,
        )

    def price(self, choice: Choice) -> str:
        """Return the price of the choice, once for each of its seats and services; empty if it is free."""
        prices = self.site.prices(self.page)
        known = [prices[each.offering_id] for each in choice.offerings if each.offering_id in prices]
        if not known:
            return ""
        total = money(sum(amount for amount, _ in known) * choice.seats, known[0][1])
        return gettext("%(price)s, each time", price=total) if choice.every else total
