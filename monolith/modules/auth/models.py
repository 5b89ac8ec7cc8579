"""Request and reply models of the endpoints. Requests reject unknown fields."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from contracts.chassis.values import Name, ZoneName, require_zone
from monolith.modules.auth.currencies import CURRENCIES
from monolith.shared.endpoints import BusinessRef, Role
from monolith.shared.endpoints.authorizer import SLUG

# The HTML standard's rule for <input type="email">: a single plain address, which cannot inject mail headers.
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = rf"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*$(?!\n)"

Slug = Annotated[str, Meta(pattern=SLUG, description="Short name of the business in URLs: a-z, 0-9 and hyphens.")]
Email = Annotated[str, Meta(max_length=254, pattern=_EMAIL, description="An e-mail address.")]
NewPassword = Annotated[str, Meta(min_length=10, max_length=200)]
Password = Annotated[str, Meta(min_length=1, max_length=200)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="An ISO 4217 code, for example EUR.")]
TokenRole = Literal["owner", "staff"]


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body; unknown fields are rejected."""


class SignUp(Body, frozen=True):
    business_name: Name
    slug: Slug
    zone: ZoneName
    currency: Currency
    name: Name
    email: Email
    password: NewPassword

    def __post_init__(self) -> None:
        require_zone(self.zone)
        if self.currency not in CURRENCIES:
            raise ValueError(f"`currency` is not an ISO 4217 currency code: {self.currency}")


class LogIn(Body, frozen=True):
    email: Email
    password: Password


class ChangePassword(Body, frozen=True):
    current_password: Password
    new_password: NewPassword


class Join(Body, frozen=True):
    """A request to become a customer: empty for a signed-in user; otherwise all three fields are required."""

    name: Name | None = None
    email: Email | None = None
    password: NewPassword | None = None


class AddStaff(Body, frozen=True):
    """Name and password apply to a new account; an existing account keeps its own."""

    name: Name
    email: Email
    password: NewPassword


class CreateToken(Body, frozen=True):
    name: Name
    role: TokenRole


class BusinessProfile(Struct, frozen=True, kw_only=True):
    """What everybody may know about a business. Empty text: not given."""

    business_id: UUID
    slug: str
    name: str
    zone: str
    """IANA time zone of its days."""
    currency: str
    """ISO 4217 code of its prices."""
    email: str = ""
    phone: str = ""
    address: str = ""
    opening_hours: str = ""
    """For customers to read. What can be booked follows from the hours of the providers."""
    picture_url: str = ""
    description: str = ""
    is_closed: bool = False
    """A closed business takes no new bookings."""


class User(Struct, frozen=True, kw_only=True):
    user_id: UUID
    name: str
    email: str


class Membership(Struct, frozen=True, kw_only=True):
    business: BusinessProfile
    role: Role


class SignedUp(Struct, frozen=True, kw_only=True):
    business: BusinessProfile
    user: User


class Joined(Struct, frozen=True, kw_only=True):
    user_id: UUID
    role: Role


class Me(Struct, frozen=True, kw_only=True):
    """`user` is null for an API token."""

    kind: Literal["user", "token"]
    user: User | None
    is_operator: bool
    memberships: tuple[Membership, ...]


class Token(Struct, frozen=True, kw_only=True):
    token_id: UUID
    name: str
    role: TokenRole
    created_at: datetime
    used_at: datetime | None = None
    """Time of the last use, accurate to a minute."""


class TokenList(Struct, frozen=True, kw_only=True):
    """The tokens that are not revoked, newest first."""

    tokens: tuple[Token, ...]


class NewToken(Struct, frozen=True, kw_only=True):
    """`secret` is returned only once; only its hash is stored."""

    token: Token
    secret: str


def business_reply(business: BusinessRef) -> BusinessProfile:
    return BusinessProfile(
        business_id=business.business_id,
        slug=business.slug,
        name=business.name,
        zone=business.zone,
        currency=business.currency,
        is_closed=business.is_closed,
        **asdict(business.details),
    )
