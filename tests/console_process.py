"""The operator console as a real process, with an operator and a viewer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests

from deploy.devstack.ports import free_port
from deploy.devstack.program import ROOT, Program, http_check
from monolith.operators import OperatorRoles, operators_auth
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import FlagStore
from tests.databases import Databases
from tests.e2e.browser import Browser
from tests.site import METRICS_TOKEN

OPERATOR, VIEWER, NOBODY = "olga@example.com", "vic@example.com", "nobody@example.com"
PASSWORD = "a long password of a person"


@dataclass(frozen=True)
class ConsoleSite:
    """A running console. `url` has no trailing slash; `admin_url` is the monolith's database with all rights.

    `data` is the folder in which it looks for a demo.
    """

    url: str
    admin_url: str
    data: Path

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Execute SQL as the administrator of the monolith's database."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def browser(self, email: str | None = None) -> Browser:
        """Return a browser, signed in if an e-mail address is given."""
        browser = Browser(self.url)
        if email is not None:
            browser.open("/ops/sign-in")
            browser.submit("Sign in", email=email, password=PASSWORD)
        return browser

    def api(self, email: str) -> "ApiClient":
        """Return a client of the JSON API, signed in."""
        client = ApiClient(self.url)
        reply = client.post("/sign-in", {"email": email, "password": PASSWORD})
        client.session.headers["Authorization"] = f"Bearer {reply.json()['token']}"
        return client

    def age_sessions(self) -> None:
        """Let the passwords of all sessions be entered 16 minutes ago."""
        self.sql("UPDATE auth.session SET began_at = began_at - interval '16 minutes'")

    def audited(self, action: str) -> list[tuple[Any, ...]]:
        """Return actor, subject, value and reason of the entries with this action, oldest first."""
        rows = (
            "SELECT actor, subject, after, reason FROM platform.audit WHERE action = %s ORDER BY recorded_at, audit_id"
        )
        return self.sql(rows, action)


class ApiClient:
    """A JSON client; paths are relative to /api/v1."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.url}/api/v1{path}", timeout=30)

    def post(self, path: str, body: object) -> requests.Response:
        return self.session.post(f"{self.url}/api/v1{path}", json=body, timeout=30)


@contextmanager
def running_console(databases: Databases, folder: Path, **settings: str) -> Iterator[ConsoleSite]:
    """Run a console on the databases. No web process of the product runs."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "CONSOLE_URL": url,
        "CONSOLE_PORT": str(port),
        "MONOLITH_DATABASE_URL": databases.monolith_url,
        "MONOLITH_DATABASE_ROLE_SECRET": databases.role_secret,
        "SCHEDULING_DATABASE_URL": databases.scheduling_url,
        "SCHEDULING_DATABASE_ROLE_SECRET": databases.role_secret,
        "SCHEDULING_SERVICE_URL": "http://127.0.0.1:1",
        "PUBLIC_URL": "http://127.0.0.1:1",
        "METRICS_TOKEN": METRICS_TOKEN,
        "REDIS_URL": databases.redis_url,
        "DATA_DIR": str(folder / "data"),
        **settings,
    }
    _appoint(databases)
    configuration = str(ROOT / "deploy" / "gunicorn" / "console.py")
    process = Program(
        "console",
        ["-m", "gunicorn", "-c", configuration, "deploy.console.wsgi:app"],
        environment,
        log=folder / "console.log",
        is_ready=http_check(port, "/healthz"),
    )
    with process:
        yield ConsoleSite(url, databases.monolith_admin_url, folder / "data")


def _appoint(databases: Databases) -> None:
    accounts = operators_auth(databases.monolith_url, databases.role_secret)
    platform = ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret, pool_size=1)
    roles = OperatorRoles(accounts, FlagStore(platform))
    for email in (OPERATOR, NOBODY):
        roles.grant(email, "operator", actor="tests", reason="", name=email, password=PASSWORD)
    roles.grant(VIEWER, "viewer", actor="tests", reason="", name=VIEWER, password=PASSWORD)
    roles.revoke(NOBODY, actor="tests", reason="")
    platform.close()
