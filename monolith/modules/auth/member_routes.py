"""The endpoints for the members of a business, invitations to it, and its API tokens."""

from dataclasses import dataclass

from monolith.modules.auth import member_models, models
from monolith.modules.auth.calls import origin_of, require_confirmed_user, require_user
from monolith.modules.auth.cookie import Cookies
from monolith.modules.auth.invitations import Invitations
from monolith.modules.auth.members import Members
from monolith.modules.auth.tokens import ApiTokens
from monolith.shared.endpoints import Access, AnyEndpoint, ApiError, Call, Endpoint

MODULE = "auth"
_MEMBERS = "/businesses/{slug}/members"
_INVITATIONS = "/businesses/{slug}/invitations"
_TOKENS = "/businesses/{slug}/tokens"


@dataclass(frozen=True, slots=True)
class MemberServices:
    """The services that the handlers use."""

    members: Members
    invitations: Invitations
    tokens: ApiTokens
    cookies: Cookies


def member_endpoints(services: MemberServices) -> list[AnyEndpoint]:
    handlers = _Handlers(services)
    return [*_member_endpoints(handlers), *_invitation_endpoints(handlers), *_token_endpoints(handlers)]


def _member_endpoints(handlers: "_Handlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=MODULE, name="list_members", method="GET", path=_MEMBERS, access=Access.STAFF,
            handler=handlers.list_members, reply=member_models.MemberList,
            summary="List the owners, staff and readers of a business",
        ),
        Endpoint(
            module=MODULE, name="change_member", method="PATCH", path=_MEMBERS + "/{user_id}", access=Access.OWNER,
            handler=handlers.change_member, body=member_models.ChangeMember, reply=None,
            summary="Change the role of a member; a business keeps at least one owner",
            errors=[(403, "email_unconfirmed"), (404, "not_found"), (409, "last_owner")],
        ),
        Endpoint(
            module=MODULE, name="remove_member", method="DELETE", path=_MEMBERS + "/{user_id}", access=Access.OWNER,
            handler=handlers.remove_member, reply=None,
            summary="Remove a member, and end their sessions and the API tokens and invitations that they made",
            errors=[(404, "not_found"), (409, "last_owner")],
        ),
    ]  # fmt: skip


def _invitation_endpoints(handlers: "_Handlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=MODULE, name="list_invitations", method="GET", path=_INVITATIONS, access=Access.OWNER,
            handler=handlers.list_invitations, reply=member_models.InvitationList,
            summary="List the invitations that can still be accepted",
        ),
        Endpoint(
            module=MODULE, name="invite", method="POST", path=_INVITATIONS, access=Access.OWNER,
            handler=handlers.invite, body=member_models.Invite, reply=member_models.Invitation, status=201,
            summary="Invite a person as owner, staff or reader by mail; valid for seven days",
            errors=[(403, "email_unconfirmed"), (409, "too_many_invitations"), (429, "too_many_attempts")],
        ),
        Endpoint(
            module=MODULE, name="revoke_invitation", method="DELETE", path=_INVITATIONS + "/{invitation_id}",
            access=Access.OWNER, handler=handlers.revoke_invitation, reply=None, summary="Revoke an invitation",
            errors=[(404, "not_found")],
        ),
        Endpoint(
            module=MODULE, name="open_invitation", method="POST", path="/invitations/open", access=Access.PUBLIC,
            handler=handlers.open_invitation, body=member_models.InvitationLink, reply=member_models.ReceivedInvitation,
            summary="Return what the token of an invitation's mail invites to",
            errors=[(404, "not_found")],
        ),
        Endpoint(
            module=MODULE, name="accept_invitation", method="POST", path="/invitations/accept", access=Access.PUBLIC,
            handler=handlers.accept_invitation, body=member_models.AcceptInvitation, reply=member_models.Accepted,
            summary="Join a business with the token of the mail, with the own account or a new one",
            errors=[(401, "wrong_credentials"), (403, "email_unconfirmed"), (404, "not_found"), (409, "email_in_use")],
        ),
    ]  # fmt: skip


def _token_endpoints(handlers: "_Handlers") -> list[AnyEndpoint]:
    return [
        Endpoint(
            module=MODULE, name="list_tokens", method="GET", path=_TOKENS, access=Access.OWNER,
            handler=handlers.list_tokens, reply=models.TokenList, summary="List the API tokens of a business",
        ),
        Endpoint(
            module=MODULE, name="create_token", method="POST", path=_TOKENS, access=Access.OWNER,
            handler=handlers.create_token, body=models.CreateToken, reply=models.NewToken, status=201,
            summary="Create an API token; its secret is returned only once",
            errors=[(403, "email_unconfirmed"), (409, "too_many_tokens")],
        ),
        Endpoint(
            module=MODULE, name="revoke_token", method="DELETE", path=_TOKENS + "/{token_id}",
            access=Access.OWNER, handler=handlers.revoke_token, reply=None, summary="Revoke an API token",
            errors=[(404, "not_found")],
        ),
        Endpoint(
            module=MODULE, name="revoke_all_tokens", method="DELETE", path=_TOKENS, access=Access.OWNER,
            handler=handlers.revoke_all_tokens, reply=None, summary="Revoke all API tokens of a business",
        ),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, services: MemberServices) -> None:
        self._services = services

    def list_members(self, call: Call[None]) -> member_models.MemberList:
        return member_models.MemberList(members=tuple(self._services.members.of_business(call.require_business())))

    def change_member(self, call: Call[member_models.ChangeMember]) -> None:
        changer, _ = require_confirmed_user(call.require_principal())
        member = call.id_in_path("user_id", "member")
        self._services.members.change_role(call.require_business(), changer, member, call.body.role)

    def remove_member(self, call: Call[None]) -> None:
        changer, _ = require_user(call.require_principal())
        self._services.members.remove(call.require_business(), changer, call.id_in_path("user_id", "member"))

    def list_invitations(self, call: Call[None]) -> member_models.InvitationList:
        found = self._services.invitations.of_business(call.require_business())
        return member_models.InvitationList(invitations=tuple(found))

    def invite(self, call: Call[member_models.Invite]) -> member_models.Invitation:
        inviter = require_confirmed_user(call.require_principal())
        return self._services.invitations.invite(call.require_business(), inviter, call.body)

    def revoke_invitation(self, call: Call[None]) -> None:
        require_user(call.require_principal())
        invitation_id = call.id_in_path("invitation_id", "invitation")
        self._services.invitations.revoke(call.require_business(), invitation_id)

    def open_invitation(self, call: Call[member_models.InvitationLink]) -> member_models.ReceivedInvitation:
        found, has_account = self._services.invitations.open(call.body.token)
        return member_models.ReceivedInvitation(
            slug=found.slug,
            business_name=found.business_name,
            email=found.email,
            role=found.role,
            invited_by=found.invited_by,
            has_account=has_account,
        )

    def accept_invitation(self, call: Call[member_models.AcceptInvitation]) -> member_models.Accepted:
        body = call.body
        if call.principal is not None:
            user_id, _ = require_user(call.principal)
            found, role = self._services.invitations.accept_as(body.token, user_id)
            return member_models.Accepted(slug=found.slug, role=role)
        if body.password is None:
            message = "Sign in, or send a password."
            raise ApiError(400, "invalid_request", message, field="password")
        found, session = self._services.invitations.accept_with_password(
            body.token, body.name, body.password, origin_of(call), None
        )
        call.reply_headers += self._services.cookies.signed_in(session)
        return member_models.Accepted(slug=found.slug, role=found.role)

    def list_tokens(self, call: Call[None]) -> models.TokenList:
        return models.TokenList(tokens=tuple(self._services.tokens.of_business(call.require_business())))

    def create_token(self, call: Call[models.CreateToken]) -> models.NewToken:
        creator = require_confirmed_user(call.require_principal())
        return self._services.tokens.create(call.require_business(), creator, call.body, origin_of(call))

    def revoke_token(self, call: Call[None]) -> None:
        require_user(call.require_principal())
        self._services.tokens.revoke(call.require_business(), call.id_in_path("token_id", "token"))

    def revoke_all_tokens(self, call: Call[None]) -> None:
        require_user(call.require_principal())
        self._services.tokens.revoke_all(call.require_business())
