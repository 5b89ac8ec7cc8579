"""Invoices with payments and credit notes, to read, record and print."""

from flask import Blueprint, request

from monolith.modules.billing.api import InvoicesQuery, RecordPayment
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import invalid_request
from monolith.shared.localization import N_
from monolith.shared.localization.formats import amount_in, minor_units
from monolith.web.language import language
from monolith.web.office.staff_pages import Office, PageResponse, attempt, form_key, render, text_of, to
from monolith.web.page_context import PageContext

_STATES = ("open", "partly_paid", "paid", "credited", "refund_due")


class InvoicePages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, "/invoices", "invoices", self.invoices)
        self._office.add(pages, "/invoices/<int:number>", "invoice", self.invoice)
        self._office.add(pages, "/invoices/<int:number>", "pay", self.pay, ("POST",))

    def invoices(self, page: PageContext) -> PageResponse:
        state = request.args.get("state")
        fields = {"state": state if state in _STATES else None, "cursor": request.args.get("cursor") or None}
        found = self._office.billing.invoices(page.business.business_id, convert(fields, InvoicesQuery))
        customers = {each.customer_id for each in found.invoices}
        return render(
            page,
            "invoices.html",
            section="invoices",
            invoices=found.invoices,
            next_cursor=found.next_cursor,
            names=self._office.auth.api.customer_names(page.business.business_id, customers),
            state=fields["state"],
            states=_STATES,
        )

    def invoice(self, page: PageContext, number: int) -> PageResponse:
        return self._one(page, number)

    def pay(self, page: PageContext, number: int) -> PageResponse:
        def action() -> PageResponse:
            wanted = convert({"amount_minor": _amount(page), "note": text_of("note")}, RecordPayment)
            user_id = page.require_principal().user_id
            self._office.billing.record_payment(page.business.business_id, number, wanted, user_id, form_key())
            return to(page, "invoice", "paid", number=number)

        return attempt(action, lambda problem: self._one(page, number, problem))

    def _one(self, page: PageContext, number: int, problem: str | None = None) -> str:
        invoice = self._office.billing.invoice(page.business.business_id, number)
        names = self._office.auth.api.customer_names(page.business.business_id, {invoice.customer_id})
        customer = (page.business.business_id, invoice.customer_id)
        return render(
            page,
            "invoice.html",
            section="invoices",
            invoice=invoice,
            customer=names.get(invoice.customer_id),
            contact=self._office.auth.api.contacts({customer}).get(customer),
            form=request.form,
            problem=problem,
        )


def _amount(page: PageContext) -> int:
    try:
        return minor_units(amount_in(text_of("amount"), language()), page.business.currency)
    except ValueError:
        raise invalid_request(N_("Please enter the payment as an amount, such as 25.00.")) from None
