"""Identities of callers and businesses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from monolith.shared.localization import SOURCE, Language

Role = Literal["owner", "staff", "reader", "customer"]
"""In one business. A reader sees what staff see, and changes nothing but what customers change for themselves."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: a user with a session, or a program with an API token.

    A token has its own id as `user_id`, a role in one business, and never operator rights. A viewer reads what an
    operator reads, and changes nothing. `fresh_login` is true if the user entered their password within the last 15
    minutes, `confirmed` if the user's e-mail address is confirmed.
    """

    user_id: UUID
    kind: Literal["user", "token"]
    roles: Mapping[UUID, Role]
    session_id: UUID | None = None
    is_operator: bool = False
    is_viewer: bool = False
    fresh_login: bool = False
    confirmed: bool = True
    language: str = ""
    """That of the account; empty if its user has not chosen one."""

    def role_in(self, business_id: UUID) -> Role | None:
        return self.roles.get(business_id)


@dataclass(frozen=True, slots=True)
class PublicDetails:
    """The details that a business publishes about itself. Empty: not given."""

    email: str = ""
    phone: str = ""
    address: str = ""
    opening_hours: str = ""
    picture_url: str = ""
    description: str = ""
    fixed_zone: bool = False
    """Visitors see the times of the business, such as for services on site."""
    embedding_sites: str = ""
    """The origins whose pages may show the booking site in a frame, separated by spaces."""
    language: Language = SOURCE
    """That of its pages and mails for people whose own language is not known."""


@dataclass(frozen=True, slots=True)
class BusinessRef:
    """A business as other modules see it. `zone` is an IANA name, `currency` an ISO 4217 code.

    A business that `is_closed` takes no new bookings.
    """

    business_id: UUID
    slug: str
    name: str
    zone: str
    currency: str
    details: PublicDetails = PublicDetails()
    is_closed: bool = False
