"""Request and reply models of the endpoints. Requests reject unknown fields."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from contracts.chassis.values import Name, ZoneName, require_zone
from monolith.modules.auth.currencies import CURRENCIES
from monolith.modules.auth.passwords import MAX_LENGTH
from monolith.shared.endpoints import BusinessRef, Role
from monolith.shared.endpoints.authorizer import SLUG
from monolith.shared.localization import SOURCE, Language

# The HTML standard's rule for <input type="email">: a single plain address, which cannot inject mail headers.
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = rf"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*$(?!\n)"

Slug = Annotated[str, Meta(pattern=SLUG, description="Short name of the business in URLs: a-z, 0-9 and hyphens.")]
Email = Annotated[str, Meta(max_length=254, pattern=_EMAIL, description="An e-mail address.")]
NewPassword = Annotated[str, Meta(min_length=10, max_length=MAX_LENGTH)]
Password = Annotated[str, Meta(min_length=1, max_length=MAX_LENGTH)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="An ISO 4217 code, for example EUR.")]
LinkToken = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{43}$(?!\\n)", description="The secret of a link.")]
TokenRole = Literal["owner", "staff", "reader"]
"""Roles of members and tokens. A reader sees what staff see, and changes nothing."""


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


class ForgotPassword(Body, frozen=True):
    email: Email


class ResetPassword(Body, frozen=True):
    token: LinkToken
    """The value of `token` in the link of the mail."""
    new_password: NewPassword


class ConfirmEmail(Body, frozen=True):
    """`password` is not needed if the session of an account that waits for the address is sent along.

    The link proves the address, the password that an account waiting for it is yours. If none has this password, it
    becomes that of the new account of the link, which ends all sessions that exist, and `name` its name: a stranger may
    have chosen the present one. Without a name, it is the part of the address before the `@`.
    """

    token: LinkToken
    """The value of `token` in the link of the mail."""
    password: NewPassword | None = None
    name: Name | None = None


class ChangeEmail(Body, frozen=True):
    """The new address replaces the current one when it is confirmed."""

    email: Email
    current_password: Password


class ChangeProfile(Body, frozen=True):
    """Changes the fields that are sent."""

    name: Name | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    """Language of pages and mails."""


class DeleteAccount(Body, frozen=True):
    current_password: Password


class Join(Body, frozen=True):
    """A request to become a customer: empty for a signed-in user; otherwise all three fields are required."""

    name: Name | None = None
    email: Email | None = None
    password: NewPassword | None = None


class CreateToken(Body, frozen=True):
    name: Name
    role: TokenRole
    expires_in_days: Annotated[int, Meta(ge=1, le=365)] = 365
    """After so many days the token expires."""


class BusinessProfile(Struct, frozen=True, kw_only=True):
    """The public data of a business. Empty text: not given."""

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
    fixed_zone: bool = False
    """The booking site shows all times in the zone of the business."""
    embedding_sites: str = ""
    """The origins whose pages may show the booking site in a frame, separated by spaces."""
    language: Language = SOURCE
    """Language of pages and mails for people whose own language is not known."""
    is_closed: bool = False
    """A closed business takes no new bookings."""


class User(Struct, frozen=True, kw_only=True):
    """A user account. Until `email_confirmed`, the address receives only the mail that asks to confirm it."""

    user_id: UUID
    name: str
    email: str
    email_confirmed: bool
    language: Language | None = None
    """The language that the user has chosen; null if none."""


class Membership(Struct, frozen=True, kw_only=True):
    business: BusinessProfile
    role: Role


class SignedUp(Struct, frozen=True, kw_only=True):
    business: BusinessProfile
    user: User


class Joined(Struct, frozen=True, kw_only=True):
    user_id: UUID
    role: Role


class Session(Struct, frozen=True, kw_only=True):
    """`address` and `program` are those of the login: the network address, and the User-Agent as sent."""

    session_id: UUID
    began_at: datetime
    seen_at: datetime
    """Time of the last use, accurate to a minute."""
    expires_at: datetime
    """The end, unless the session is used before."""
    address: str
    program: str
    current: bool
    """Whether it is the session of this request."""


class SessionList(Struct, frozen=True, kw_only=True):
    """The active sessions of the user, most recently used first."""

    sessions: tuple[Session, ...]


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
    expires_at: datetime
    created_by: UUID
    """The owner who created it; it is revoked when they leave the business."""
    address: str
    """The network address from which it was created; empty if it is not known."""


class AccountExport(Struct, frozen=True, kw_only=True):
    """Everything that is stored about an account itself. Appointments and invoices belong to the businesses."""

    user: User
    memberships: tuple[Membership, ...]
    sessions: tuple[Session, ...]
    tokens: tuple[Token, ...]
    """The API tokens that the user has created."""


class TokenList(Struct, frozen=True, kw_only=True):
    """The tokens that are neither revoked nor expired, newest first."""

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
