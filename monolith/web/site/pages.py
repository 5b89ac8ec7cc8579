"""All pages of the booking site, added to the blueprint of the pages."""

from flask import Blueprint

from monolith.modules.auth.module import Auth
from monolith.modules.billing.api import BillingApi
from monolith.web.page_context import PageContextFactory
from monolith.web.site.checkout import CheckoutPages
from monolith.web.site.choosing import ChoosingPages
from monolith.web.site.lost_link import LostLinkPages
from monolith.web.site.managing import ManagingPages
from monolith.web.site.site_request import Site
from monolith.web.site.waiting import WaitingPages


def add_site(pages: Blueprint, contexts: PageContextFactory, auth: Auth, billing: BillingApi) -> None:
    site = Site(contexts, auth, billing)
    ChoosingPages(site).add_to(pages)
    CheckoutPages(site).add_to(pages)
    WaitingPages(site).add_to(pages)
    LostLinkPages(site).add_to(pages)
    ManagingPages(contexts, auth, billing).add_to(pages)
