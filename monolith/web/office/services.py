"""Services with their rules and prices, and the resources that they need."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, request

from contracts.scheduling import models as m
from monolith.modules.billing.api import SetPrice
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import invalid_request, not_found
from monolith.shared.localization import N_
from monolith.shared.localization.formats import amount_in, minor_units
from monolith.web.language import language
from monolith.web.office.staff_pages import (
    Office,
    PageResponse,
    attempt,
    form_key,
    number_of,
    read_catalog,
    render,
    text_of,
    to,
)
from monolith.web.page_context import PageContext

_SERVICE = "/services/<uuid:offering_id>"
_NUMBERS = (
    "duration_minutes",
    "step_minutes",
    "offset_minutes",
    "cancel_cutoff_minutes",
    "buffer_before_minutes",
    "buffer_after_minutes",
    "min_notice_minutes",
    "capacity",
    "hold_minutes",
)


class ServicePages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, "/services", "services", self.services)
        self._office.add(pages, "/services/new", "new_service", self.new, changes=True)
        self._office.add(pages, "/services/new", "add_service", self.add, ("POST",))
        self._office.add(pages, _SERVICE, "service", self.service)
        self._office.add(pages, _SERVICE, "change_service", self.change, ("POST",))
        self._office.add(pages, "/resources", "resources", self.resources)
        self._office.add(pages, "/resources", "save_resource", self.save_resource, ("POST",))

    def services(self, page: PageContext) -> PageResponse:
        catalog = read_catalog(page)
        performers = {
            offering.offering_id: [p.name for p in catalog.active_providers if offering.offering_id in p.offering_ids]
            for offering in catalog.offerings
        }
        prices = self._prices(page)
        return render(page, "services.html", section="services", catalog=catalog, prices=prices, performers=performers)

    def new(self, page: PageContext) -> PageResponse:
        return self._form(page, None)

    def service(self, page: PageContext, offering_id: UUID) -> PageResponse:
        return self._form(page, _offering(page, offering_id))

    def add(self, page: PageContext) -> PageResponse:
        def action() -> PageResponse:
            price = _price(page)
            wanted = convert(_fields(m.CreateOffering), m.CreateOffering)
            added = page.port.create_offering(page.call_context(form_key()), wanted)
            self._set_price(page, added.offering_id, price)
            self._assign_to_all(page, added.offering_id)
            return to(page, "services", "added")

        return attempt(action, lambda problem: self._form(page, None, problem))

    def change(self, page: PageContext, offering_id: UUID) -> PageResponse:
        current = _offering(page, offering_id)

        def action() -> PageResponse:
            price = _price(page)
            fields = _fields(m.UpdateOffering) | {"offering_id": offering_id, "active": "active" in request.form}
            page.port.update_offering(page.call_context(form_key()), convert(fields, m.UpdateOffering))
            self._set_price(page, offering_id, price)
            return to(page, "services", "saved")

        return attempt(action, lambda problem: self._form(page, current, problem))

    def resources(self, page: PageContext) -> PageResponse:
        return self._resources(page)

    def save_resource(self, page: PageContext) -> PageResponse:
        form = request.form

        def action() -> PageResponse:
            fields: dict[str, Any] = {"name": text_of("name"), "kind": text_of("kind").lower()}
            if not form.get("resource"):
                page.port.create_resource(page.call_context(form_key()), convert(fields, m.CreateResource))
                return to(page, "resources", "added")
            fields |= {"resource_id": form["resource"], "active": "active" in form}
            page.port.update_resource(page.call_context(form_key()), convert(fields, m.UpdateResource))
            return to(page, "resources", "saved")

        return attempt(action, lambda problem: self._resources(page, problem))

    def _resources(self, page: PageContext, problem: str | None = None) -> str:
        found = page.port.list_resources(page.call_context(), m.ListResources()).resources
        return render(page, "resources.html", section="resources", resources=found, form=request.form, problem=problem)

    def _form(self, page: PageContext, offering: m.Offering | None, problem: str | None = None) -> str:
        resources = page.port.list_resources(page.call_context(), m.ListResources()).resources
        price = self._prices(page).get(offering.offering_id) if offering else None
        return render(
            page,
            "service.html",
            section="services",
            offering=offering,
            rules=offering or m.CreateOffering(name="New", duration_minutes=30),
            kinds=sorted(
                {each.kind for each in resources} | {each.kind for each in (offering.needs if offering else ())}
            ),
            price=price,
            form=request.form,
            problem=problem,
        )

    def _prices(self, page: PageContext) -> Mapping[UUID, int]:
        prices = self._office.billing.prices(page.business.business_id).prices
        return {each.offering_id: each.amount_minor for each in prices}

    def _set_price(self, page: PageContext, offering_id: UUID, amount: int | None) -> None:
        if amount is not None:
            wanted = convert({"offering_id": offering_id, "amount_minor": amount}, SetPrice)
            user_id = page.require_principal().user_id
            self._office.billing.set_price(page.business.business_id, page.business.currency, wanted, user_id)

    def _assign_to_all(self, page: PageContext, offering_id: UUID) -> None:
        """Let every active provider perform a new service, if the form requests it."""
        if "everyone" not in request.form:
            return
        for index, provider in enumerate(read_catalog(page).active_providers):
            wanted = m.AssignOfferings(
                provider_id=provider.provider_id, offering_ids=(*provider.offering_ids, offering_id)
            )
            page.port.assign_offerings(page.call_context(f"{form_key()}-{index}"), wanted)


def _offering(page: PageContext, offering_id: UUID) -> m.Offering:
    found = read_catalog(page).offering(offering_id)
    if found is None:
        raise not_found("service")
    return found


def _price(page: PageContext) -> int | None:
    """Return the price in minor units; None if the field is empty. Raises ApiError 400."""
    text = text_of("price")
    if not text:
        return None
    try:
        return minor_units(amount_in(text, language()), page.business.currency)
    except ValueError:
        raise invalid_request(N_("Please enter the price as an amount, such as 25.00."), "price") from None


def _fields(model: type[m.Request]) -> dict[str, Any]:
    """Return the rules in the form. Fields that are empty keep the model's defaults."""
    form = request.form
    fields: dict[str, Any] = {"name": text_of("name"), "requires_approval": "requires_approval" in form}
    fields |= {name: number for name in _NUMBERS if (number := number_of(name)) is not None}
    fields["duration_choices_minutes"] = [
        int(each) if each.isdecimal() else each
        for each in text_of("duration_choices_minutes").replace(",", " ").split()
    ]
    fields["assignment"] = form.get("assignment", "round_robin")
    fields["needs"] = [
        {"kind": name.removeprefix("need_"), "quantity": number_of(name)}
        for name in form
        if name.startswith("need_") and number_of(name) not in (None, 0)
    ]
    fields["limits"] = {name: number_of(name) for name in m.Limits.__struct_fields__}
    fields["policy"] = {
        "reschedule_cutoff_minutes": number_of("reschedule_cutoff_minutes"),
        "inside_cutoff": form.get("inside_cutoff", "fee"),
        "late_fee_percent": 100 if (percent := number_of("late_fee_percent")) is None else percent,
        "max_reschedules": number_of("max_reschedules"),
    }
    fields["window"] = _window()
    return {name: value for name, value in fields.items() if name in model.__struct_fields__}


def _window() -> dict[str, Any]:
    kind = request.form.get("window_kind", "unlimited")
    if kind.startswith("rolling"):
        return {"kind": kind, "days": number_of("window_days")}
    if kind == "fixed":
        return {"kind": kind, "first": request.form.get("window_first"), "last": request.form.get("window_last")}
    return {"kind": "unlimited"}
