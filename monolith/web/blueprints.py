"""All blueprints with pages."""

from dataclasses import dataclass

from flask import Blueprint

from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.module import Auth
from monolith.modules.billing.module import Billing
from monolith.modules.calendars.module import Calendars
from monolith.modules.notifications.module import Notifications
from monolith.shared.endpoints.authorizer import Authorizer
from monolith.web.calendar_feeds import CalendarFeedPages
from monolith.web.office.blueprint import create_office
from monolith.web.office.staff_pages import Office
from monolith.web.page_context import PageContextFactory
from monolith.web.pages import create_pages
from monolith.web.preference_pages import PreferencePages


@dataclass(frozen=True, slots=True)
class PageServices:
    """The services of the modules that the pages use."""

    auth: Auth
    billing: Billing
    notifications: Notifications
    calendars: Calendars


def create_blueprints(authorizer: Authorizer, port: SchedulingPort, services: PageServices) -> list[Blueprint]:
    """Create the pages for customers and those for staff."""
    contexts = PageContextFactory(authorizer, port)
    pages = create_pages(contexts, services.auth, services.billing.api)
    CalendarFeedPages(contexts, services.auth, services.calendars.feeds).add_to(pages)
    notifications = services.notifications
    PreferencePages(contexts, notifications.api).add_to(pages)
    office = Office(
        contexts, services.auth, services.billing.api, notifications.api, notifications.webhooks, services.calendars
    )
    return [pages, create_office(office)]
