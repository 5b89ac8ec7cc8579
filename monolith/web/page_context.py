"""The context of a page request: business, principal and port, and rendering with them."""

import secrets
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request, url_for
from werkzeug import Response

from contracts.chassis.arrival import confirm_tenant
from contracts.scheduling.context import Actor, CallContext
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.origin import Origin
from monolith.modules.scheduling.actors import actor_for
from monolith.shared.endpoints import BusinessRef, Principal
from monolith.shared.endpoints.authorizer import Authorizer
from monolith.shared.endpoints.errors import unauthenticated
from monolith.shared.middleware import current_request_context
from monolith.web.language import learn_languages


@dataclass(frozen=True)
class PageContext:
    """One request for a page of a business.

    With a `customer_id`, it acts for this customer and not for the signed-in user.
    """

    business: BusinessRef
    principal: Principal | None
    port: SchedulingPort
    customer_id: UUID | None = None

    def acting_for(self, customer_id: UUID) -> "PageContext":
        """Return the context of the same request that acts for a customer, such as the one whose link was opened."""
        return replace(self, customer_id=customer_id)

    def call_context(self, key: str | None = None) -> CallContext:
        context = current_request_context()
        actor = actor_for(self.business.business_id, self.principal, writes=key is not None)
        if self.customer_id is not None:
            actor = Actor("customer", self.customer_id)
        return CallContext(self.business.business_id, actor, context.deadline, context.trace, key)

    def require_principal(self) -> Principal:
        if self.principal is None:
            raise unauthenticated()
        return self.principal

    @property
    def signed_in_id(self) -> UUID | None:
        """Return the user who has signed in; None for visitors and for programs with a token."""
        principal = self.principal
        return principal.user_id if principal is not None and principal.session_id is not None else None

    @property
    def own_id(self) -> UUID:
        """Return the customer whose appointments these are: that of the link, or the signed-in user."""
        return self.customer_id or self.require_principal().user_id

    def is_member(self) -> bool:
        return self._role() is not None

    def sees_office(self) -> bool:
        return self._role() in ("owner", "staff", "reader")

    def is_staff(self) -> bool:
        """Return whether the caller acts as staff, who may change what belongs to the business.

        On the page of a customer's link, they do not.
        """
        return self.customer_id is None and self._role() in ("owner", "staff")

    def is_owner(self) -> bool:
        return self._role() == "owner"

    def to_sign_in(self) -> Response:
        """Redirect to the sign-in page, which returns here afterwards; after a POST, to the business page."""
        back = request.full_path if request.method == "GET" else url_for("pages.business", slug=self.business.slug)
        return redirect(url_for("pages.sign_in", slug=self.business.slug, next=back), 303)

    def render(self, template: str, **values: Any) -> str:
        return render_template(template, business=self.business, person=self.principal, **values)

    def _role(self) -> str | None:
        return self.principal.role_in(self.business.business_id) if self.principal else None


class PageContextFactory:
    def __init__(self, authorizer: Authorizer, port: SchedulingPort) -> None:
        self._authorizer = authorizer
        self._port = port

    def for_business(self, slug: str) -> PageContext:
        """Return the context of this request. Raises ApiError 404 for an unknown business."""
        return self._context(self._authorizer.business(slug))

    def of(self, business: BusinessRef) -> PageContext:
        """Return the context of this request for a business that a link has named."""
        confirm_tenant()
        return self._context(business)

    def principal(self) -> Principal | None:
        principal = self._authorizer.principal(request)
        if principal is not None:
            learn_languages(account=principal.language)
        return principal

    def require_session(self) -> tuple[UUID, UUID]:
        """Return the ids of the signed-in user and the session. Raises ApiError 401."""
        principal = self.principal()
        if principal is None or principal.session_id is None:
            raise unauthenticated()
        return principal.user_id, principal.session_id

    def origin(self) -> Origin:
        return Origin(
            self._authorizer.remote_address(request),
            request.environ.get("HTTP_USER_AGENT", ""),
            self._authorizer.device_cookie(request),
        )

    def _context(self, business: BusinessRef) -> PageContext:
        learn_languages(business=business.details.language)
        return PageContext(business, self.principal(), self._port)


def new_key() -> str:
    """Return an idempotency key for a form, so that submitting it twice has one effect."""
    return secrets.token_urlsafe(18)


def local_path(path: str, otherwise: str) -> str:
    """Return `path` if it stays on this site, else `otherwise`, to prevent open redirects after sign-in."""
    stays = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if stays else otherwise
