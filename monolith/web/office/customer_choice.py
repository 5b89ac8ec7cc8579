"""The customer of a form: a chosen one, a known name, or a guest who is added."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from flask import request

from monolith.modules.auth.customer_models import AddGuest, Customer, CustomersQuery
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import invalid_request
from monolith.shared.localization import N_
from monolith.web.office.staff_pages import Office, form_key, id_in, text_of
from monolith.web.page_context import PageContext

_MOST_SUGGESTED = 200


class CustomerChoice:
    """Reads the fields that the macro `customer_fields` shows."""

    def __init__(self, office: Office) -> None:
        self._customers = office.auth.customers

    def matches(self, page: PageContext) -> Sequence[Customer]:
        """Return the customers with exactly the typed name, unless one was chosen or the name is a new customer's."""
        if id_in(request.form, "customer") or "new_customer" in request.form:
            return ()
        typed = text_of("name")
        if not typed:
            raise invalid_request(N_("Please enter the customer's name."))
        found = self._customers.page(page.business.business_id, CustomersQuery(search=typed[:80])).customers
        return [each for each in found if each.name.casefold() == typed.casefold()]

    def chosen(self, page: PageContext) -> UUID:
        """Return the chosen customer, or add the guest: once for each key and name, however often the form is sent."""
        chosen = id_in(request.form, "customer")
        if chosen is not None:
            return self._customers.get(page.business.business_id, chosen).customer_id
        fields = {"name": text_of("name"), "phone": text_of("phone"), "email": text_of("email").lower() or None}
        guest = convert(fields, AddGuest)
        key = sha256(f"{form_key()} {guest}".encode()).hexdigest()
        return self._customers.add_guest(page.business.business_id, guest, key).customer_id

    def shown(self, page: PageContext, values: Mapping[str, str]) -> dict[str, Any]:
        """Return the customer that is chosen so far, and the names to suggest, for the template."""
        business_id, customer = page.business.business_id, id_in(values, "customer")
        return {
            "customer": self._customers.get(business_id, customer) if customer else None,
            "suggested": self._customers.page(business_id, CustomersQuery(limit=_MOST_SUGGESTED)).customers,
        }
