"""The page of a business's members: roles, invitations and API tokens."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from monolith.modules.auth.calls import SignedInUser, require_confirmed_user
from monolith.modules.auth.member_models import ChangeMember, Invite
from monolith.modules.auth.models import CreateToken
from monolith.modules.auth.module import Auth
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import forbidden
from monolith.web.forms import Page, form_fields, user_message
from monolith.web.page_context import PageContext, PageContextFactory

_MEMBERS = "/b/<slug>/members"
_NO_ID = UUID(int=0)


class MemberPages:
    """Forms over the services of auth. Staff see the members; owners change them."""

    def __init__(self, contexts: PageContextFactory, auth: Auth) -> None:
        self._contexts = contexts
        self._auth = auth

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule(_MEMBERS, "members", self.members)
        for path, name, handler in (
            ("invite", "invite", self.invite),
            ("invitations/revoke", "revoke_invitation", self.revoke_invitation),
            ("role", "change_member", self.change_member),
            ("remove", "remove_member", self.remove_member),
            ("tokens", "create_token", self.create_token),
            ("tokens/revoke", "revoke_token", self.revoke_token),
            ("tokens/revoke-all", "revoke_all_tokens", self.revoke_all_tokens),
        ):
            pages.add_url_rule(f"{_MEMBERS}/{path}", name, handler, methods=["POST"])

    def members(self, slug: str) -> Page:
        page = self._contexts.for_business(slug)
        if page.principal is None:
            return page.to_sign_in()
        if not page.sees_office():
            raise forbidden()
        return self._render(page)

    def invite(self, slug: str) -> Page:
        def run(page: PageContext, owner: SignedInUser) -> None:
            self._auth.invitations.invite(page.business, owner, convert(form_fields("email", "role"), Invite))

        return self._run(slug, run)

    def revoke_invitation(self, slug: str) -> Page:
        return self._run(slug, lambda page, _: self._auth.invitations.revoke(page.business, _id("invitation")))

    def change_member(self, slug: str) -> Page:
        def run(page: PageContext, owner: SignedInUser) -> None:
            role = convert(form_fields("role"), ChangeMember).role
            self._auth.members.change_role(page.business, owner.user_id, _id("member"), role)

        return self._run(slug, run)

    def remove_member(self, slug: str) -> Page:
        def run(page: PageContext, owner: SignedInUser) -> None:
            self._auth.members.remove(page.business, owner.user_id, _id("member"))

        return self._run(slug, run)

    def create_token(self, slug: str) -> Page:
        """Create a token, and show its secret once, in the answer to the form."""
        page, owner = self._owner(slug)
        try:
            fields: dict[str, object] = dict(form_fields("name", "role"))
            fields["expires_in_days"] = _days(request.form.get("expires_in_days", ""))
            made = self._auth.tokens.create(page.business, owner, convert(fields, CreateToken), self._contexts.origin())
        except ApiError as error:
            return self._render(page, problem=user_message(error)), error.status
        return self._render(page, secret=made.secret)

    def revoke_token(self, slug: str) -> Page:
        return self._run(slug, lambda page, _: self._auth.tokens.revoke(page.business, _id("token")))

    def revoke_all_tokens(self, slug: str) -> Page:
        return self._run(slug, lambda page, _: self._auth.tokens.revoke_all(page.business))

    def _run(self, slug: str, change: Callable[[PageContext, SignedInUser], None]) -> Page:
        page, owner = self._owner(slug)
        try:
            change(page, owner)
        except ApiError as error:
            return self._render(page, problem=user_message(error)), error.status
        return _to_members(slug)

    def _owner(self, slug: str) -> tuple[PageContext, SignedInUser]:
        """Return the page and its user, an owner with a confirmed address. Raises ApiError 401 and 403."""
        page = self._contexts.for_business(slug)
        principal = page.require_principal()
        if not page.is_owner():
            raise forbidden()
        return page, require_confirmed_user(principal)

    def _render(self, page: PageContext, *, problem: str | None = None, secret: str | None = None) -> str:
        is_owner = page.is_owner()
        return page.render(
            "members.html",
            section="members",
            may_change=page.is_staff(),
            members=self._auth.members.of_business(page.business),
            invitations=self._auth.invitations.of_business(page.business) if is_owner else [],
            tokens=self._auth.tokens.of_business(page.business) if is_owner else [],
            is_owner=is_owner,
            secret=secret,
            form=request.form,
            problem=problem,
        )


def _to_members(slug: str) -> Response:
    return redirect(url_for("pages.members", slug=slug), 303)


def _id(field: str) -> UUID:
    try:
        return UUID(request.form.get(field, ""))
    except ValueError:
        return _NO_ID


def _days(text: str) -> object:
    return int(text) if text.isdecimal() and len(text) < 5 else text
