"""The blueprint with all pages, and the error page."""

from datetime import UTC, datetime

from flask import Blueprint, Response, render_template, request, url_for

from contracts.chassis.problem import Problem
from monolith.modules.auth.module import Auth
from monolith.modules.billing.api import BillingApi
from monolith.shared.localization import N_
from monolith.shared.middleware import current_request_context
from monolith.web.accounts import AccountPages
from monolith.web.appointments import AppointmentPages
from monolith.web.formatting import FILTERS
from monolith.web.language import gettext, localize
from monolith.web.language_pages import LanguagePages
from monolith.web.mail_link_pages import MailLinkPages
from monolith.web.member_pages import MemberPages
from monolith.web.own_account_pages import OwnAccountPages
from monolith.web.page_context import PageContextFactory, local_path
from monolith.web.problem_messages import problem_message
from monolith.web.site.pages import add_site

_WRONG = N_("Something went wrong")
_TITLES = {
    403: N_("Not allowed"),
    404: N_("Page not found"),
    409: N_("This could not be done"),
    429: N_("Too many attempts"),
    503: N_("Temporarily unavailable"),
    504: N_("This took too long"),
}
_UNKNOWN_OUTCOME = N_("We do not know whether this was done")
_INVALID_REQUEST = N_("The address or the form is incomplete or has an invalid value.")
_NOT_LOADED = N_("This page could not be loaded. Please try again in a moment.")


def create_pages(contexts: PageContextFactory, auth: Auth, billing: BillingApi) -> Blueprint:
    pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")
    AccountPages(contexts, auth).add_to(pages)
    MailLinkPages(contexts, auth).add_to(pages)
    OwnAccountPages(contexts, auth).add_to(pages)
    MemberPages(contexts, auth).add_to(pages)
    LanguagePages(contexts, auth).add_to(pages)
    AppointmentPages(contexts, billing).add_to(pages)
    add_site(pages, contexts, auth, billing)
    for name, shown in FILTERS.items():
        pages.add_app_template_filter(shown, name)
    pages.add_app_template_global(lambda: datetime.now(UTC), "now")
    localize(pages)
    pages.after_request(_keep_out_of_caches)
    return pages


def _keep_out_of_caches(response: Response) -> Response:
    """Forbid storing what was made for one person or contains the secret of a link, and lists of free times.

    A browser that goes back to a list of times loads it again, so that it shows no time that has been taken since.
    The form of a failed request is not read: it may be what could not be read.
    """
    personal = "Cookie" in request.headers or "Set-Cookie" in response.headers
    kept_out = personal or response.status_code >= 400 or "token" in request.values
    of_business = "slug" in (request.view_args or {})
    if (kept_out or of_business) and request.endpoint != "pages.static":
        response.headers["Cache-Control"] = "no-store"
    return response


def error_page(problem: Problem) -> str:
    """Render what happened and what to do next, without internal details."""
    # A page that only reads has nothing to say about whether something was done.
    retry = problem.status in (503, 504) and request.method in ("GET", "HEAD")
    unknown = problem.code == "outcome_unknown" and not retry
    title = _UNKNOWN_OUTCOME if unknown else _TITLES.get(problem.status, _WRONG)
    message = gettext(_INVALID_REQUEST) if problem.code == "invalid_request" else problem_message(problem)
    return render_template(
        "error.html",
        business=None,
        person=None,
        title=gettext(title),
        message=gettext(_NOT_LOADED) if retry else message,
        back=local_path(request.full_path.rstrip("?"), _back(problem)) if retry else _back(problem),
        retry=retry,
        request_id=current_request_context().trace.request_id if problem.status >= 500 else None,
    )


def _back(problem: Problem) -> str:
    """Return a page to go back to: the list of appointments if the outcome is unknown, otherwise the start page."""
    slug = (request.view_args or {}).get("slug")
    if slug is None or problem.status == 404:
        return url_for("pages.home")
    if request.blueprint == "office" and problem.status != 403:
        return url_for("office.today", slug=slug)
    return url_for("pages.appointments" if problem.code == "outcome_unknown" else "pages.business", slug=slug)
