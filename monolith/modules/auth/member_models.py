"""Request and reply models of members and invitations. Requests reject unknown fields."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from contracts.chassis.values import Name
from monolith.modules.auth.models import Body, Email, LinkToken, NewPassword, TokenRole


class Invite(Body, frozen=True):
    email: Email
    role: TokenRole = "staff"


class InvitationLink(Body, frozen=True):
    token: LinkToken
    """The value of `token` in the link of the mail."""


class AcceptInvitation(Body, frozen=True):
    """A signed-in user sends only the token.

    Otherwise `password` is that of the account of the invited address; if it has none, `name` and `password` are for a
    new one.
    """

    token: LinkToken
    """The value of `token` in the link of the mail."""
    name: Name | None = None
    password: NewPassword | None = None


class ChangeMember(Body, frozen=True):
    role: TokenRole


class Member(Struct, frozen=True, kw_only=True):
    """`email` is empty until the member has confirmed an address."""

    user_id: UUID
    name: str
    email: str
    role: TokenRole
    since: datetime


class MemberList(Struct, frozen=True, kw_only=True):
    """The owners of a business, then its staff, then its readers, each sorted by name."""

    members: tuple[Member, ...]


class Invitation(Struct, frozen=True, kw_only=True):
    invitation_id: UUID
    email: str
    role: TokenRole
    created_at: datetime
    expires_at: datetime


class InvitationList(Struct, frozen=True, kw_only=True):
    """The invitations that can still be accepted, newest first."""

    invitations: tuple[Invitation, ...]


class ReceivedInvitation(Struct, frozen=True, kw_only=True):
    """An invitation as the invited person sees it. `has_account` is about the invited address."""

    slug: str
    business_name: str
    email: str
    role: TokenRole
    invited_by: str
    has_account: bool


class Accepted(Struct, frozen=True, kw_only=True):
    slug: str
    role: TokenRole
