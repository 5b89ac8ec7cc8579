"""The customers of a business, with and without an account."""

import base64
from hmac import compare_digest
from uuid import UUID

import msgspec

from monolith.modules.auth.customer_models import AddGuest, ChangeCustomer, Customer, CustomerPage, CustomersQuery
from monolith.modules.auth.repository import account_mails
from monolith.modules.auth.repository import customers as repository
from monolith.modules.auth.throttle import (
    GUEST_OF_BUSINESS,
    GUEST_WITH_EMAIL,
    LOST_LINK_FROM_ADDRESS,
    Throttle,
    mailbox_of,
)
from monolith.modules.auth.waitlist_letter import WaitingCustomer
from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.errors import invalid_cursor, not_found
from monolith.shared.localization import N_

_FIRST = ("", UUID(int=0))
_OTHER_FORM = N_("Another form has been sent for this time. Please choose the time again.")
_OF_ACCOUNT = ("name", "email", "language")


class Customers:
    """Reads and changes customers. Callers have checked that the user is staff. May raise DatabaseUnavailable."""

    def __init__(self, database: ModuleDatabase, throttle: Throttle) -> None:
        self._database = database
        self._throttle = throttle

    def get(self, business_id: UUID, customer_id: UUID) -> Customer:
        """Return a customer. Staff who have appointments are found too. Raises ApiError 404."""
        found = self._database.query(lambda connection: repository.one(connection, business_id, customer_id))
        if found is None:
            raise not_found("customer")
        return found

    def page(self, business_id: UUID, query: CustomersQuery) -> CustomerPage:
        """Return a page of customers by name. Raises ApiError 400 for an invalid cursor."""
        after = _FIRST if query.cursor is None else _position(query.cursor)
        search, limit = query.search.strip(), query.limit
        found = self._database.query(
            lambda connection: repository.page(connection, business_id, search, after, limit + 1)
        )
        page = tuple(found[:limit])
        return CustomerPage(customers=page, next_cursor=_cursor(page[-1]) if len(found) > limit else None)

    def add_guest(self, business_id: UUID, guest: AddGuest, key: str) -> Customer:
        """Add a customer without an account, once per key.

        Raises ApiError 422 if the key added a different one, and 429 after too many with e-mail addresses.
        """
        if guest.email is not None:
            self._throttle.charge((GUEST_OF_BUSINESS, str(business_id)))
        with self._database.transaction() as connection:
            customer_id = repository.add(connection, business_id, new_id(), guest, key)
        added = self.get(business_id, customer_id)
        if (added.name, added.email, added.phone) != (guest.name, guest.email, guest.phone):
            raise ApiError(422, "idempotency_key_reused", "This Idempotency-Key has added a different customer.")
        return added

    def register_guest(self, business_id: UUID, customer_id: UUID, guest: AddGuest, proof: str, mails: int) -> None:
        """Store the contact details of a guest who books without staff; again with the same proof, to correct them.

        The caller has made the id for this guest only, and books what sends this number of mails. Raises ApiError 409
        if the id has details with another proof or of staff, and 429 after too many with one e-mail address.
        """
        self._throttle.charge((GUEST_WITH_EMAIL, mailbox_of(guest.email or "")), count=mails)
        with self._database.transaction() as connection:
            if not repository.register(connection, business_id, customer_id, guest, proof):
                raise ApiError(409, "other_form", _OTHER_FORM)

    def is_registered_by(self, business_id: UUID, customer_id: UUID, proof: str) -> bool:
        """Return whether the contact details of a guest were stored with this proof."""
        stored = self._database.query(lambda connection: repository.creation_key(connection, business_id, customer_id))
        return stored is not None and compare_digest(stored, proof)

    def charge_mails(self, business_id: UUID, customer_id: UUID, mails: int) -> None:
        """Charge mails about appointments to the mailbox of a guest; of other customers, do nothing.

        Raises ApiError 429 after too many, including those of `register_guest`.
        """
        email = self._database.query(lambda connection: repository.guest_email(connection, business_id, customer_id))
        if email is not None:
            self._throttle.charge((GUEST_WITH_EMAIL, mailbox_of(email.lower())), count=mails)

    def request_lost_link(self, business_id: UUID, email: str, reference: str, address: str) -> None:
        """Send the link of an appointment to the address with which it was booked, if there is such an appointment.

        The worker finds that out, so neither the answer nor its time reveals it. Raises ApiError 429 after too many
        requests from one network address.
        """
        self._throttle.charge((LOST_LINK_FROM_ADDRESS, address))
        with self._database.transaction() as connection:
            account_mails.enqueue(connection, "lost_link", email.lower(), business_id, reference)

    def confirm_waiting(self, business_id: UUID, waiting: WaitingCustomer) -> None:
        """Queue the mail with the link of the entry, if the customer has a confirmed e-mail address."""
        key = (business_id, waiting.customer_id)
        contact = self._database.query(lambda connection: repository.contacts(connection, {key})).get(key)
        if contact is None or not contact.confirmed:
            return
        with self._database.transaction() as connection:
            account_mails.enqueue_waitlist(connection, waiting.entry_id, contact.email, business_id, waiting.stored())

    def change(self, business_id: UUID, customer_id: UUID, wanted: ChangeCustomer) -> Customer:
        """Change the given fields.

        Raises ApiError 404, 409 for what belongs to an account, and 429 after too many changes of e-mail addresses.
        """
        current = self.get(business_id, customer_id)
        given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not msgspec.UNSET}
        changed = msgspec.structs.replace(current, **given)
        of_account = [each for each in _OF_ACCOUNT if getattr(changed, each) != getattr(current, each)]
        if current.has_account and of_account:
            message = N_(
                "This customer has an account, and only they can change its name, e-mail address and language."
            )
            raise ApiError(409, "customer_has_account", message, field=of_account[0])
        if changed.email is not None and changed.email != current.email:
            self._throttle.charge((GUEST_OF_BUSINESS, str(business_id)))
        with self._database.transaction() as connection:
            repository.change(connection, business_id, changed)
        return changed


def _cursor(last: Customer) -> str:
    return base64.urlsafe_b64encode(last.customer_id.bytes + last.name.lower()[:80].encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[str, UUID]:
    try:
        decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return decoded[16:].decode(), UUID(bytes=decoded[:16])
    except ValueError:
        raise invalid_cursor() from None
