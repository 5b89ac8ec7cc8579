"""Pages for signing up, signing in and signing out."""

from uuid import UUID
from zoneinfo import available_timezones

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from msgspec import Struct
from werkzeug import Response

from contracts.chassis.values import Name
from monolith.modules.auth.accounts import AccountDetails
from monolith.modules.auth.models import Email, NewPassword, SignUp
from monolith.modules.auth.module import Auth
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.decoding import convert, require_key
from monolith.shared.endpoints.errors import not_found
from monolith.shared.middleware import current_request_context
from monolith.web.forms import Page, form_fields, signed_in, user_message
from monolith.web.language import language
from monolith.web.page_context import PageContextFactory, local_path, new_key
from monolith.web.problem_messages import error_message

_ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))


class NewCustomer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    email: Email
    password: NewPassword


class AccountPages:
    """Forms over the services of auth. A rejected form is shown again with its input, except the password."""

    def __init__(self, contexts: PageContextFactory, auth: Auth) -> None:
        self._contexts = contexts
        self._auth = auth

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/", "home", self.home)
        pages.add_url_rule("/", "open_business", self.open_business, methods=["POST"])
        pages.add_url_rule("/sign-in", "sign_in_anywhere", self.sign_in_anywhere, methods=["GET", "POST"])
        pages.add_url_rule("/b/<slug>/sign-in", "sign_in", self.sign_in, methods=["GET", "POST"])
        pages.add_url_rule("/b/<slug>/sign-up", "sign_up", self.sign_up, methods=["GET", "POST"])
        pages.add_url_rule("/sign-out", "sign_out", self.sign_out, methods=["POST"])
        pages.add_url_rule("/appointments/<uuid:business_id>", "appointments_at", self.appointments_at)

    def home(self) -> str:
        return self._home()

    def open_business(self) -> Page:
        context = current_request_context()
        try:
            body = convert(form_fields(*SignUp.__struct_fields__), SignUp)
            business, session = self._auth.sign_ups.sign_up(
                body,
                key=require_key(request.form.get("key")),
                origin=self._contexts.origin(),
                replacing=self._replacing(),
                trace=context.trace,
                deadline=context.deadline,
                language=language(),
            )
        except ApiError as error:
            return self._home(user_message(error)), error.status
        return signed_in(self._auth.cookies, session, url_for("office.start", slug=business.slug))

    def sign_in_anywhere(self) -> Page:
        """Sign in outside of a business, such as an owner or from a mail about the account."""
        after = local_path(request.values.get("next", ""), "")
        if request.method == "GET":
            return render_template("sign_in.html", business=None, person=None, next=after, form={})
        email, password = request.form.get("email", ""), request.form.get("password", "")
        try:
            session = self._auth.sessions.log_in(email, password, self._contexts.origin(), self._replacing())
        except ApiError as error:
            page = render_template(
                "sign_in.html", business=None, person=None, next=after, form=request.form, problem=error_message(error)
            )
            return page, error.status
        return signed_in(self._auth.cookies, session, after or self._first_page(session.user.user_id))

    def _first_page(self, user_id: UUID) -> str:
        """Return the back office for those who work in one, and the account for all others."""
        works = any(role != "customer" for _, role in self._auth.api.memberships(user_id))
        return url_for("office.businesses" if works else "pages.account")

    def sign_in(self, slug: str) -> Page:
        page = self._contexts.for_business(slug)
        after = local_path(request.values.get("next", ""), url_for("pages.business", slug=slug))
        if request.method == "GET":
            # A signed-in user who is not yet a customer of this business becomes one by signing in again.
            return page.render("sign_in.html", next=after, form={})
        email, password = request.form.get("email", ""), request.form.get("password", "")
        try:
            session = self._auth.sessions.log_in(email, password, self._contexts.origin(), self._replacing())
        except ApiError as error:
            return page.render(
                "sign_in.html", next=after, form=request.form, problem=error_message(error)
            ), error.status
        self._auth.accounts.join_as_user(page.business, session.user.user_id)
        return signed_in(self._auth.cookies, session, after)

    def sign_up(self, slug: str) -> Page:
        page = self._contexts.for_business(slug)
        after = local_path(request.values.get("next", ""), url_for("pages.business", slug=slug))
        if request.method == "GET":
            return page.render("sign_up.html", next=after, form={})
        try:
            body = convert(form_fields("name", "email", "password"), NewCustomer)
            session, _ = self._auth.accounts.join_as_customer(
                page.business,
                AccountDetails(body.name, body.email, body.password, language()),
                self._contexts.origin(),
                self._replacing(),
            )
        except ApiError as error:
            shown = page.render("sign_up.html", next=after, form=request.form, problem=user_message(error))
            return shown, error.status
        return signed_in(self._auth.cookies, session, after)

    def sign_out(self) -> Response:
        principal = self._contexts.principal()
        if principal is not None and principal.session_id is not None:
            self._auth.sessions.log_out(principal.session_id)
        after = local_path(request.form.get("next", ""), url_for("pages.home"))
        response = make_response(redirect(after, 303))
        response.headers.add(*self._auth.cookies.signed_out())
        return response

    def appointments_at(self, business_id: UUID) -> Response:
        """Redirect a link from a mail, which names the business by its id."""
        business = self._auth.api.business(business_id)
        if business is None:
            raise not_found("business")
        return redirect(url_for("pages.appointments", slug=business.slug), 303)

    def _home(self, problem: str | None = None) -> str:
        return render_template(
            "home.html",
            business=None,
            person=self._contexts.principal(),
            form=request.form,
            zones=_ZONES,
            key=request.form.get("key") or new_key(),
            problem=problem,
        )

    def _replacing(self) -> UUID | None:
        principal = self._contexts.principal()
        return principal.session_id if principal else None
