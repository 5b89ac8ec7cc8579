"""Lookup of users, businesses and memberships."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID, uuid5

from monolith.modules.auth.accounts import Accounts
from monolith.modules.auth.api import CustomerKey, MailingBusiness, OperatorRole, UserRef
from monolith.modules.auth.confirmation import EmailConfirmation
from monolith.modules.auth.customer_models import Customer
from monolith.modules.auth.customers import Customers
from monolith.modules.auth.repository import account_mails, accounts, businesses, customers, memberships
from monolith.modules.auth.waitlist_letter import WaitingCustomer
from monolith.shared.database import ModuleDatabase, first_id_at
from monolith.shared.endpoints import BusinessRef, Role


class Directory:
    """Implements `AuthApi`, which documents the methods."""

    def __init__(
        self, database: ModuleDatabase, accounts: Accounts, confirmation: EmailConfirmation, customers: Customers
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._confirmation = confirmation
        self._customers = customers

    def user(self, user_id: UUID) -> UserRef | None:
        account = self._database.query(lambda connection: accounts.by_id(connection, user_id))
        return None if account is None else account.user

    def users(self, user_ids: Collection[UUID]) -> dict[UUID, UserRef]:
        return self._database.query(lambda connection: accounts.users(connection, user_ids))

    def is_link_ended(self, customer_id: UUID, subject_id: UUID) -> bool:
        valid_from = self._database.query(lambda connection: accounts.links_valid_from(connection, customer_id))
        return valid_from is not None and subject_id < first_id_at(valid_from)

    def customer(self, business_id: UUID, customer_id: UUID) -> Customer:
        return self._customers.get(business_id, customer_id)

    def contacts(self, wanted: Collection[CustomerKey], /) -> dict[CustomerKey, UserRef]:
        return self._database.query(lambda connection: customers.contacts(connection, wanted))

    def business_contacts(self, business_ids: Collection[UUID]) -> dict[UUID, UserRef]:
        return self._database.query(lambda connection: customers.business_contacts(connection, business_ids))

    def customer_names(self, business_id: UUID, customer_ids: Collection[UUID]) -> dict[UUID, str]:
        if not customer_ids:
            return {}
        return self._database.query(lambda connection: customers.names(connection, business_id, customer_ids))

    def customers_with_email(self, business_id: UUID, email: str, limit: int) -> dict[UUID, str]:
        return self._database.query(
            lambda connection: customers.with_email(connection, business_id, email.lower(), limit)
        )

    def confirm_waiting(self, business_id: UUID, waiting: WaitingCustomer) -> None:
        self._customers.confirm_waiting(business_id, waiting)

    def charge_guest_mails(self, business_id: UUID, customer_id: UUID, mails: int) -> None:
        self._customers.charge_mails(business_id, customer_id, mails)

    def mailing_businesses(self, business_ids: Collection[UUID]) -> dict[UUID, MailingBusiness]:
        return self._database.query(lambda connection: businesses.for_mails(connection, business_ids))

    def business(self, business_id: UUID) -> BusinessRef | None:
        return self._database.query(lambda connection: businesses.by_id(connection, business_id))

    def business_by_slug(self, slug: str) -> BusinessRef | None:
        return self._database.query(lambda connection: businesses.by_slug(connection, slug))

    def businesses(self) -> list[BusinessRef]:
        return self._database.query(lambda connection: businesses.list_all(connection))

    def members(self, business_id: UUID, role: Role) -> list[UserRef]:
        return self._database.query(lambda connection: memberships.with_role(connection, business_id, role))

    def role_in(self, business_id: UUID, user_id: UUID) -> Role | None:
        return self._database.query(lambda connection: memberships.active_role(connection, business_id, user_id))

    def memberships(self, user_id: UUID) -> list[tuple[BusinessRef, Role]]:
        """Return the user's businesses, sorted by slug, with the role in each."""
        return self._database.query(lambda connection: memberships.of_user(connection, user_id))

    def businesses_opening(self, older_than: timedelta) -> list[BusinessRef]:
        return self._database.query(lambda connection: businesses.list_opening(connection, older_than))

    def mark_open(self, business_id: UUID) -> None:
        with self._database.transaction() as connection:
            businesses.mark_open(connection, business_id)

    def confirm_email(self, email: str) -> None:
        self._confirmation.confirm_by_operator(email)

    def grant_operator_role(
        self, email: str, role: OperatorRole, *, name: str | None = None, password: str | None = None
    ) -> UserRef:
        return self._accounts.grant_operator_role(email, role, name, password)

    def revoke_operator_role(self, email: str) -> UserRef:
        return self._accounts.revoke_operator_role(email)

    def operators(self) -> Sequence[tuple[UserRef, OperatorRole]]:
        return self._database.query(accounts.operators)

    def write_to_operators(self, notice_id: UUID, subject: str, paragraphs: Sequence[str]) -> None:
        with self._database.transaction() as connection:
            for user, role in accounts.operators(connection):
                if role == "operator" and user.confirmed:
                    mail_id = uuid5(notice_id, user.email)
                    account_mails.enqueue_notice(connection, mail_id, user.email, subject, paragraphs)
