"""The pages of the console, in one blueprint."""

from flask import Blueprint, Response, redirect, render_template, request

from contracts.chassis.problem import Problem
from deploy.console.changes import ChangeKinds
from deploy.console.extension import ConsoleContext
from deploy.console.live import LivePages
from deploy.console.pages.businesses import BusinessPages
from deploy.console.pages.changes import ChangePages
from deploy.console.pages.flag import FlagPages
from deploy.console.pages.formatting import FILTERS
from deploy.console.pages.layout import Layout, SignInRequired, sign_in_address
from deploy.console.pages.overview import OverviewPage
from deploy.console.pages.records import RecordPages
from deploy.console.pages.replication import ReplicationPages
from deploy.console.pages.sign_in import SignInPages
from deploy.mailsink.store import MailStore
from monolith.modules.auth.cookie import Cookies
from monolith.modules.auth.sessions import Sessions
from monolith.shared.endpoints.errors import unauthenticated
from monolith.shared.middleware import current_request_context

_TITLES = {
    400: "Something is missing",
    401: "Sign in first",
    403: "Not allowed",
    404: "Page not found",
    409: "Nothing was changed",
    503: "Temporarily unavailable",
}


def add_pages(
    context: ConsoleContext,
    layout: Layout,
    changes: ChangeKinds,
    sessions: Sessions,
    cookies: Cookies,
) -> Blueprint:
    """Return the blueprint with all pages of this package."""
    live = context.live
    pages = Blueprint(
        "ops", __name__, url_prefix="/ops", template_folder="../templates", static_folder="../static",
        static_url_path="/static",
    )  # fmt: skip
    pages.record_once(lambda state: state.app.add_url_rule("/", "to_overview", lambda: redirect("/ops/", 303)))
    SignInPages(layout, context.authorizer, sessions, cookies).add_to(pages)
    OverviewPage(layout, live).add_to(pages)
    BusinessPages(layout, live).add_to(pages)
    FlagPages(layout, live).add_to(pages)
    ReplicationPages(layout, live).add_to(pages)
    mails = MailStore(context.config.mail_folder) if context.config.mail_folder else None
    RecordPages(layout, live, mails).add_to(pages)
    ChangePages(layout, live, context.requests, changes).add_to(pages)
    pages.add_url_rule("/live/<name>", "live", lambda name: _live(layout, live, name, ""))
    pages.add_url_rule(
        "/live/<name>/<argument>", "live_with", lambda name, argument: _live(layout, live, name, argument)
    )
    pages.app_errorhandler(SignInRequired)(_to_sign_in)
    for name, shown in FILTERS.items():
        pages.add_app_template_filter(shown, name)
    pages.after_app_request(_keep_out_of_caches)
    return pages


def error_page(problem: Problem) -> str:
    """Render what happened and what to do next, without internal details."""
    return render_template(
        "ops/error.html",
        title=_TITLES.get(problem.status, "Something went wrong"),
        problem=problem,
        request_id=current_request_context().trace.request_id if problem.status >= 500 else None,
    )


def _live(layout: Layout, live: LivePages, name: str, argument: str) -> Response:
    try:
        layout.require_viewer()
    except SignInRequired as error:
        raise unauthenticated() from error
    return live.answer(name, argument)


def _keep_out_of_caches(response: Response) -> Response:
    """Forbid storing pages, those of extensions included: after signing out, the back button must not show them."""
    if not (request.endpoint or "").endswith("static"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _to_sign_in(_: SignInRequired) -> Response:
    return redirect(sign_in_address(), 303)  # type: ignore[return-value]
