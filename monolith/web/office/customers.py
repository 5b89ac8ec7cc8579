"""Customers: search, contact, notes, and their appointments and invoices."""

from datetime import UTC, datetime
from uuid import UUID

from flask import Blueprint, request

from contracts.scheduling import models as m
from monolith.modules.auth.customer_models import AddGuest, ChangeCustomer, Customer, CustomersQuery
from monolith.modules.billing.api import InvoicesQuery
from monolith.shared.endpoints.decoding import convert
from monolith.web.office.staff_pages import Office, PageResponse, attempt, form_key, read_all, render, text_of, to
from monolith.web.page_context import PageContext

_CUSTOMER = "/customers/<uuid:customer_id>"


class CustomerPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, "/customers", "customers", self.customers)
        self._office.add(pages, "/customers", "add_customer", self.add, ("POST",))
        self._office.add(pages, _CUSTOMER, "customer", self.customer)
        self._office.add(pages, _CUSTOMER, "change_customer", self.change, ("POST",))

    def customers(self, page: PageContext) -> PageResponse:
        return attempt(lambda: self._list(page), lambda problem: self._list(page, problem, first=True))

    def add(self, page: PageContext) -> PageResponse:
        def action() -> PageResponse:
            guest = convert(_contact() | {"note": text_of("note")}, AddGuest)
            added = self._office.auth.customers.add_guest(page.business.business_id, guest, form_key())
            return to(page, "customer", "added", customer_id=added.customer_id)

        return attempt(action, lambda problem: self._list(page, problem, first=True))

    def customer(self, page: PageContext, customer_id: UUID) -> PageResponse:
        return self._one(page, customer_id)

    def change(self, page: PageContext, customer_id: UUID) -> PageResponse:
        def action() -> PageResponse:
            own = {} if self._customer(page, customer_id).has_account else _contact()
            wanted = convert(own | {"phone": text_of("phone"), "note": text_of("note")}, ChangeCustomer)
            self._office.auth.customers.change(page.business.business_id, customer_id, wanted)
            return to(page, "customer", "saved", customer_id=customer_id)

        return attempt(action, lambda problem: self._one(page, customer_id, problem))

    def _customer(self, page: PageContext, customer_id: UUID) -> Customer:
        return self._office.auth.customers.get(page.business.business_id, customer_id)

    def _list(self, page: PageContext, problem: str | None = None, *, first: bool = False) -> str:
        search, cursor = request.args.get("search", "").strip()[:80], request.args.get("cursor")
        fields = {"search": search, "cursor": None if first else cursor}
        found = self._office.auth.customers.page(page.business.business_id, convert(fields, CustomersQuery))
        return render(
            page,
            "customers.html",
            section="customers",
            customers=found.customers,
            next_cursor=found.next_cursor,
            search=search,
            form=request.form,
            problem=problem,
        )

    def _one(self, page: PageContext, customer_id: UUID, problem: str | None = None) -> str:
        appointments = read_all(page, m.ListAppointments(customer_id=customer_id))
        now = datetime.now(UTC)
        active = ("held", "pending", "booked")
        upcoming = [each for each in appointments if each.status in active and each.ends_at > now]
        query = InvoicesQuery(customer_id=customer_id)
        return render(
            page,
            "customer.html",
            section="customers",
            customer=self._customer(page, customer_id),
            upcoming=upcoming,
            past=[each for each in reversed(appointments) if each not in upcoming],
            invoices=self._office.billing.invoices(page.business.business_id, query).invoices,
            form=request.form,
            problem=problem,
        )


def _contact() -> dict[str, object]:
    fields: dict[str, object] = {"name": text_of("name"), "email": text_of("email").lower() or None}
    return fields | {"phone": text_of("phone"), "language": text_of("language") or None}
