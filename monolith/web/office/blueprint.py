"""The blueprint of the back office."""

from flask import Blueprint, Response

from monolith.web.office.appointments import StaffAppointmentPages
from monolith.web.office.booking import StaffBookingPages
from monolith.web.office.business import SettingsPages
from monolith.web.office.calendar import CalendarPages
from monolith.web.office.connections import ConnectionPages
from monolith.web.office.customers import CustomerPages
from monolith.web.office.groups import GroupPages
from monolith.web.office.invoices import InvoicePages
from monolith.web.office.labels import event_name, rule_name
from monolith.web.office.mails import MailPages
from monolith.web.office.moving import MovingPages
from monolith.web.office.providers import ProviderPages
from monolith.web.office.services import ServicePages
from monolith.web.office.staff_pages import Office
from monolith.web.office.waitlist import WaitlistPages
from monolith.web.office.webhooks import WebhookPages


def create_office(office: Office) -> Blueprint:
    """Create the pages under `/office`. Templates, filters and static files are those of the blueprint `pages`."""
    pages = Blueprint("office", __name__, url_prefix="/office")
    for group in (
        SettingsPages(office),
        CalendarPages(office),
        StaffAppointmentPages(office),
        StaffBookingPages(office),
        MovingPages(office),
        GroupPages(office),
        WaitlistPages(office),
        CustomerPages(office),
        ServicePages(office),
        ProviderPages(office),
        ConnectionPages(office),
        InvoicePages(office),
        WebhookPages(office),
        MailPages(office),
    ):
        group.add_to(pages)
    pages.add_app_template_filter(rule_name, "rule_name")
    pages.add_app_template_filter(event_name, "event_name")
    pages.after_request(_keep_out_of_caches)
    return pages


def _keep_out_of_caches(response: Response) -> Response:
    """Forbid storing: every page is about customers, and some show a secret once."""
    response.headers["Cache-Control"] = "no-store"
    return response
