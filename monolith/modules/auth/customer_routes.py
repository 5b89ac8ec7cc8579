"""The endpoints for the customers of a business."""

from monolith.modules.auth.customer_models import AddGuest, ChangeCustomer, Customer, CustomerPage, CustomersQuery
from monolith.modules.auth.customers import Customers
from monolith.shared.endpoints import Access, AnyEndpoint, Call, Endpoint

_MODULE = "auth"
_CUSTOMERS = "/businesses/{slug}/customers"


def customer_endpoints(customers: Customers) -> list[AnyEndpoint]:
    handlers = _Handlers(customers)
    return [
        Endpoint(
            module=_MODULE, name="list_customers", method="GET", path=_CUSTOMERS, access=Access.STAFF,
            handler=handlers.list_customers, query=CustomersQuery, reply=CustomerPage,
            summary="List or search the customers of a business, by name",
        ),
        Endpoint(
            module=_MODULE, name="get_customer", method="GET", path=_CUSTOMERS + "/{customer_id}", access=Access.STAFF,
            handler=handlers.get_customer, reply=Customer, summary="Return a customer with contact and notes",
            errors=[(404, "not_found")],
        ),
        Endpoint(
            module=_MODULE, name="change_customer", method="PATCH", path=_CUSTOMERS + "/{customer_id}",
            access=Access.STAFF, handler=handlers.change_customer, body=ChangeCustomer, reply=Customer,
            summary="Change contact and notes of a customer; fields that are left out keep their values",
            errors=[(404, "not_found"), (409, "customer_has_account"), (429, "too_many_attempts")],
        ),
        Endpoint(
            module=_MODULE, name="add_guest", method="POST", path="/businesses/{slug}/guests", access=Access.STAFF,
            handler=handlers.add_guest, body=AddGuest, reply=Customer, status=201, needs_key=True,
            summary="Add a customer without an account, such as a walk-in or a caller",
            errors=[(429, "too_many_attempts")],
        ),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, customers: Customers) -> None:
        self._customers = customers

    def list_customers(self, call: Call[None]) -> CustomerPage:
        return self._customers.page(call.require_business().business_id, call.query)

    def get_customer(self, call: Call[None]) -> Customer:
        return self._customers.get(call.require_business().business_id, call.id_in_path("customer_id", "customer"))

    def change_customer(self, call: Call[ChangeCustomer]) -> Customer:
        customer_id = call.id_in_path("customer_id", "customer")
        return self._customers.change(call.require_business().business_id, customer_id, call.body)

    def add_guest(self, call: Call[AddGuest]) -> Customer:
        return self._customers.add_guest(call.require_business().business_id, call.body, call.idempotency_key or "")
