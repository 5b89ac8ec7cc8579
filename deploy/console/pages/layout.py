"""The frame of every page: navigation, the signed-in account, and the name of the deployment."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import render_template, request, url_for
from markupsafe import Markup

from deploy.console.access import ConsoleAuthorizer, Operator
from deploy.console.config import DEFAULT_LABEL, ConsoleConfig
from deploy.console.extension import Extension, NavigationLink
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.endpoint import Access

_LINKS = (
    NavigationLink("Overview", "ops.overview"),
    NavigationLink("Businesses", "ops.businesses"),
    NavigationLink("Flag", "ops.flag"),
    NavigationLink("Replication", "ops.replication"),
    NavigationLink("Shadow reads", "ops.shadow"),
    NavigationLink("Events", "ops.events"),
    NavigationLink("Requests", "ops.requests"),
    NavigationLink("Audit log", "ops.audit"),
)


class SignInRequired(Exception):
    """The page needs a session; the handler redirects to the sign-in page."""


class Layout:
    """Renders pages for the signed-in account."""

    def __init__(self, config: ConsoleConfig, authorizer: ConsoleAuthorizer) -> None:
        self._config, self._authorizer = config, authorizer
        self._links: list[NavigationLink] = list(_LINKS)
        if config.mail_folder:
            self._links.append(NavigationLink("Mails", "ops.mails"))
        self._extensions: Sequence[Extension] = ()

    def extend(self, extensions: Sequence[Extension]) -> None:
        """Add the links of the extensions to the navigation. Call it once, before the first request."""
        self._extensions = extensions
        self._links += [link for each in extensions for link in each.links]

    def overview_fragments(self) -> list[Markup]:
        """Return what extensions show on the overview page."""
        return [each.overview() for each in self._extensions if each.overview is not None]

    def traffic(self) -> dict[str, float] | None:
        """Return the requests per second of each application; None if no extension measures them."""
        measured = [each.traffic() for each in self._extensions if each.traffic is not None]
        return {name: rate for each in measured for name, rate in each.items()} if measured else None

    def require_viewer(self) -> Operator:
        """Return the signed-in account. Raises SignInRequired for a page, else ApiError 401; 403 without a role."""
        try:
            return self._authorizer.require(Access.VIEWER)
        except ApiError as error:
            if error.status == 401 and request.method == "GET":
                raise SignInRequired from error
            raise

    def require_operator(self) -> Operator:
        """Return the operator of a change. Raises SignInRequired, and ApiError 403, which is audited."""
        self.require_viewer()
        return self._authorizer.require(Access.OPERATOR)

    def render(self, template: str, **values: Any) -> str:
        return render_template(
            template,
            operator=self._authorizer.operator(),
            links=[(link, url_for(link.endpoint)) for link in self._links],
            label=self._config.label,
            is_production=self._config.label == DEFAULT_LABEL,
            product_url=self._config.product_url,
            now=datetime.now(UTC),
            **values,
        )


def sign_in_address() -> str:
    """Return the address of the sign-in page, which returns to this page, or after a POST to its GET."""
    return f"{url_for('ops.sign_in')}?{urlencode({'next': request.full_path.rstrip('?')})}"
