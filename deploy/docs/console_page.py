"""The documentation in the console: the site that `make docs` has built, at `/ops/documentation/`."""

from pathlib import Path
from typing import Final

from flask import Blueprint, send_from_directory
from werkzeug import Response

from deploy.console.extension import ConsoleContext, Extension, NavigationLink
from deploy.docs.site import ROOT
from monolith.shared.middleware.request_context import current_request_context

SITE: Final = ROOT / ".artifacts/docs/site"
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""The theme of the site has inline scripts and styles. Its pages show files of this installation only, and no input."""


def build(context: ConsoleContext, site: Path = SITE) -> Extension:
    """Build the pages. Until the site is built, they say how to build it."""
    blueprint = Blueprint("ops_docs", __name__, url_prefix="/ops/documentation", template_folder="templates")

    @blueprint.get("/", defaults={"path": "index.html"})
    @blueprint.get("/<path:path>")
    def page(path: str) -> Response | str:
        context.require_viewer()
        if not (site / "index.html").is_file():
            return context.render("ops/documentation.html")
        current_request_context().policy = POLICY
        return send_from_directory(site, path)

    return Extension(blueprint, [NavigationLink("Documentation", "ops_docs.page")])
