"""Have the link of an appointment sent again, by its reference and e-mail address."""

from flask import Blueprint, request
from msgspec import Struct
from werkzeug import Response

from monolith.modules.auth.models import Email
from monolith.shared.customer_links import normal_reference
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.decoding import convert
from monolith.web.language import gettext
from monolith.web.problem_messages import error_message
from monolith.web.site.site_request import Site

PageResponse = str | Response | tuple[str, int]


class LostLink(Struct, frozen=True, kw_only=True):
    email: Email


class LostLinkPages:
    """The answer is the same whether or not there is such an appointment: only the mail tells."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/b/<slug>/find", "lost_link", self.lost_link, methods=["GET"])
        pages.add_url_rule("/b/<slug>/find", "send_link", self.send_link, methods=["POST"])

    def lost_link(self, slug: str) -> PageResponse:
        return self._site.visit(slug).render("lost_link.html", form={}, wrong={}, sent=False)

    def send_link(self, slug: str) -> PageResponse:
        visit = self._site.visit(slug)
        reference = normal_reference(request.form.get("reference", ""))
        wrong = {} if len(reference) == 9 else {"reference": gettext("Enter the reference, like 7K2M-9QXA.")}
        email = request.form.get("email", "").strip()
        try:
            convert({"email": email}, LostLink)
        except ApiError:
            wrong["email"] = gettext("Enter the e-mail address with which you booked.")
        if wrong:
            return visit.render("lost_link.html", form=request.form, wrong=wrong, sent=False), 400
        business_id, address = visit.page.business.business_id, self._site.contexts.origin().address
        try:
            self._site.auth.customers.request_lost_link(business_id, email, reference, address)
        except ApiError as error:
            problem = error_message(error)
            return visit.render(
                "lost_link.html", form=request.form, wrong={}, sent=False, problem=problem
            ), error.status
        return visit.render("lost_link.html", form=request.form, wrong={}, sent=True)
