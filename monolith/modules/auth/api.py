"""The public interface of auth. Other modules import nothing else of this package."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from monolith.modules.auth.customer_models import Customer
from monolith.modules.auth.waitlist_letter import WaitingCustomer
from monolith.shared.endpoints import BusinessRef, Role
from monolith.shared.localization import SOURCE, Language

__all__ = [
    "AuthApi",
    "Customer",
    "CustomerKey",
    "FindLink",
    "FoundLink",
    "MailingBusiness",
    "OpeningFailed",
    "UserRef",
    "WaitingCustomer",
]


@dataclass(frozen=True, slots=True)
class UserRef:
    """A user account. `email` is lowercase; until it is `confirmed`, only mails that ask for that may go there."""

    user_id: UUID
    name: str
    email: str
    confirmed: bool = True
    language: Language | None = None
    """The language that the user has chosen, or in which a guest has booked."""


class MailingBusiness(NamedTuple):
    """What mails say of a business: its street address, which may be empty. They are in its language by default."""

    place: str = ""
    language: Language = SOURCE


class FoundLink(NamedTuple):
    """The appointment of a lost link: its customer, what and when it is, and its page."""

    customer_id: UUID
    what: str
    starts_at: datetime
    zone: str
    url: str


CustomerKey = tuple[UUID, UUID]
"""A business and its customer."""

FindLink = Callable[[UUID, str, str], FoundLink | None]
"""Finds the link of an appointment by business, confirmed e-mail address and reference."""

OperatorRole = Literal["operator", "viewer"]
"""Rights in the operator console: an operator changes the product's operation, a viewer only sees it."""


class OpeningFailed(Exception):
    """Scheduling could not open a business. A retry may succeed."""


class AuthApi(Protocol):
    """Every method may raise DatabaseUnavailable. Must not be called inside another module's transaction."""

    def user(self, user_id: UUID) -> UserRef | None: ...

    def users(self, user_ids: Collection[UUID]) -> Mapping[UUID, UserRef]:
        """Return the users that exist, by id."""

    def is_link_ended(self, customer_id: UUID, subject_id: UUID) -> bool:
        """Return whether the link of an appointment or waitlist entry no longer acts for its customer.

        The links of an account end when another owner of its address takes it over and when its password is reset: they
        may be known to a stranger. Those of appointments that are made later are valid, and those of guests always.
        """

    def customer(self, business_id: UUID, customer_id: UUID) -> Customer:
        """Return a customer of a business. Raises ApiError 404."""

    def contacts(self, customers: Collection[CustomerKey], /) -> Mapping[CustomerKey, UserRef]:
        """Return the customers, with or without an account, that have an e-mail address.

        One without an account is returned to its own business only, and is `confirmed` as soon as an owner of the
        business is.
        """

    def business_contacts(self, business_ids: Collection[UUID]) -> Mapping[UUID, UserRef]:
        """Return the businesses by id, with their own e-mail address or, without one, that of their first owner."""

    def customer_names(self, business_id: UUID, customer_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Return the names of a business's customers and staff by id. Unknown ids are left out."""

    def customers_with_email(self, business_id: UUID, email: str, limit: int) -> Mapping[UUID, str]:
        """Return the names of a business's customers with this confirmed address, by id; the newest `limit` guests.

        Guests of a business without a confirmed owner are left out.
        """

    def confirm_waiting(self, business_id: UUID, waiting: WaitingCustomer) -> None:
        """Send a customer on the waitlist the link to leave it.

        Nothing is sent to a customer without a confirmed e-mail address. Repeating it while the mail is queued has no
        effect; later, a mail with the same Message-ID is sent again.
        """

    def charge_guest_mails(self, business_id: UUID, customer_id: UUID, mails: int) -> None:
        """Charge mails about appointments to the mailbox of a customer without an account; of others, do nothing.

        Raises ApiError 429 after too many.
        """

    def mailing_businesses(self, business_ids: Collection[UUID]) -> Mapping[UUID, MailingBusiness]:
        """Return what mails say of the businesses that exist, by id."""

    def business(self, business_id: UUID) -> BusinessRef | None: ...

    def business_by_slug(self, slug: str) -> BusinessRef | None: ...

    def businesses(self) -> Sequence[BusinessRef]:
        """Return all businesses, sorted by slug."""

    def members(self, business_id: UUID, role: Role) -> Sequence[UserRef]:
        """Return the members with exactly this role, sorted by name, then id."""

    def role_in(self, business_id: UUID, user_id: UUID) -> Role | None:
        """Return a user's role in a business; None without one, and for an account that was deleted."""

    def businesses_opening(self, older_than: timedelta) -> Sequence[BusinessRef]:
        """Return the businesses that signed up more than `older_than` ago and are not yet open in scheduling.

        The database's clock decides.
        """

    def mark_open(self, business_id: UUID) -> None:
        """Record that scheduling has opened the business. Idempotent."""

    def confirm_email(self, email: str) -> None:
        """Confirm the e-mail address of the newest account that waits for it, as its owner does by the link.

        For operators who have verified the owner, and for demo data. Idempotent. Raises ApiError 404 if no account
        has the address.
        """

    def grant_operator_role(
        self, email: str, role: OperatorRole, *, name: str | None = None, password: str | None = None
    ) -> UserRef:
        """Give an account this role instead of any other; create it first if `name` and `password` are given.

        Idempotent. An existing account keeps its name and password. Raises ApiError 404 if there is no account and
        none can be created.
        """

    def revoke_operator_role(self, email: str) -> UserRef:
        """Take the role from the account with this address now; effective with its next request.

        Raises ApiError 404 if there is no account, and 409 `no_role` if it has no role.
        """

    def operators(self) -> Sequence[tuple[UserRef, OperatorRole]]:
        """Return the accounts that have a role, sorted by e-mail address."""

    def write_to_operators(self, notice_id: UUID, subject: str, paragraphs: Sequence[str]) -> None:
        """Queue a mail to each operator with a confirmed address; viewers receive none.

        Repeating it with the same id while the mail is queued has no effect; later, a mail with the same Message-ID is
        sent again.
        """
