"""All blueprints with pages."""

from flask import Blueprint

from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.module import Auth
from monolith.modules.billing.api import BillingApi
from monolith.modules.notifications.api import NotificationsApi
from monolith.shared.endpoints.authorizer import Authorizer
from monolith.web.office.blueprint import create_office
from monolith.web.page_context import PageContextFactory
from monolith.web.pages import create_pages


def create_blueprints(
    authorizer: Authorizer, port: SchedulingPort, auth: Auth, billing: BillingApi, notifications: NotificationsApi
) -> list[Blueprint]:
    """Create the pages for customers and those for staff."""
    contexts = PageContextFactory(authorizer, port)
    return [create_pages(contexts, auth, billing), create_office(contexts, auth, billing, notifications)]
