"""The documentation in the console: the built site for those who are signed in, and how to build it."""

from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask, abort
from werkzeug.test import Client

from deploy.console.extension import ConsoleContext
from deploy.docs.console_page import POLICY, build
from monolith.shared.middleware.request_logging import RequestLogging
from monolith.shared.telemetry.metrics import Metrics


class Console:
    """What the pages use of the console."""

    is_signed_in = True

    def require_viewer(self) -> None:
        if not self.is_signed_in:
            abort(403)

    def render(self, template: str) -> str:
        return template


@pytest.fixture
def console() -> Console:
    return Console()


def browser(console: Console, site: Path) -> Client:
    app = Flask(__name__)
    app.register_blueprint(build(cast(ConsoleContext, cast(Any, console)), site).blueprint)
    return Client(RequestLogging(app.wsgi_app, Metrics(application="console"), "http://localhost", seconds=5.0))


def test_until_the_site_is_built_the_page_says_how(console: Console, tmp_path: Path) -> None:
    assert browser(console, tmp_path).get("/ops/documentation/").text == "ops/documentation.html"


def test_the_built_site_is_shown_with_a_policy_of_its_own(console: Console, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>Extraction</h1>")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/glossary.html").write_text("<h1>Glossary</h1>")
    reader = browser(console, tmp_path)
    for path, shown in (("", "Extraction"), ("docs/glossary.html", "Glossary")):
        page = reader.get(f"/ops/documentation/{path}")
        assert shown in page.text
        assert page.headers.getlist("Content-Security-Policy") == [POLICY]
    assert reader.get("/ops/documentation/../secrets").status_code == 404
    console.is_signed_in = False
    assert reader.get("/ops/documentation/docs/glossary.html").status_code == 403
