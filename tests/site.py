"""The monolith with its auth module on a real socket, on the databases of one test."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import psycopg
import requests
from werkzeug.serving import make_server

from contracts.chassis.credentials import role_url
from contracts.chassis.settings import Network
from contracts.scheduling.port import SchedulingPort
from monolith.app import create_app
from monolith.application import Application
from monolith.modules.auth.module import MIGRATIONS, ROLE, SCHEMA, Auth, build_auth
from monolith.modules.auth.passwords import Argon2Parameters
from monolith.modules.scheduling import routes
from monolith.modules.scheduling.catalog_endpoints import catalog_endpoints
from monolith.modules.scheduling.onboarding import business_opener, business_updater
from monolith.modules.scheduling.problems import scheduling_problem
from monolith.operators import operators_auth
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import AnyEndpoint
from monolith.shared.endpoints.authorizer import Authorizer
from monolith.shared.endpoints.business_cache import BusinessCache
from monolith.shared.endpoints.cookies import CookieNames
from monolith.shared.telemetry.metrics import Metrics
from monolith.shared.telemetry.readiness import schema_check
from scheduling_service.engine import database as engine_database
from scheduling_service.engine.engine import SchedulingEngine
from tests.databases import Databases

METRICS_TOKEN = "metrics-token-of-the-tests"
QUICK = Argon2Parameters(memory_kib=1024, passes=1)
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Site:
    """A running monolith. `url` has no trailing slash."""

    url: str
    auth: Auth
    database: ModuleDatabase
    admin_url: str

    def client(self) -> "Client":
        return Client(self.url)

    def confirm(self, email: str) -> None:
        """Confirm the e-mail address of an account, as its owner does by the link of the mail."""
        self.auth.api.confirm_email(email)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Execute SQL as the administrator, to do what no user can, such as shifting timestamps."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []


class Client:
    """A JSON client that keeps cookies and follows no redirects. Paths are relative to /api/v1."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        if token is not None:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, body: object = None, **kwargs: Any) -> requests.Response:
        return self.request("POST", path, json=body, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> requests.Response:
        return self.request("DELETE", path, **kwargs)

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return self.session.request(method, f"{self.url}/api/v1{path}", allow_redirects=False, timeout=30, **kwargs)

    def sign_up(self, slug: str, email: str = "", *, key: str | None = None, **fields: object) -> requests.Response:
        body = sign_up_body(slug, email or f"owner@{slug}.example") | fields
        return self.post("/signup", body, headers={"Idempotency-Key": key or str(uuid4())})

    def log_in(self, email: str, password: str = PASSWORD, **kwargs: Any) -> requests.Response:
        return self.post("/login", {"email": email, "password": password}, **kwargs)

    def join(self, slug: str, email: str, password: str = PASSWORD, **kwargs: Any) -> requests.Response:
        body = {"name": "Cleo Customer", "email": email, "password": password}
        return self.post(f"/businesses/{slug}/customers", body, **kwargs)


def confirm_email(databases: Databases, email: str) -> None:
    """Confirm an address at a monolith that runs elsewhere."""
    operators_auth(databases.monolith_url, databases.role_secret).confirm_email(email)


def sign_up_body(slug: str, email: str) -> dict[str, object]:
    return {
        "business_name": f"The {slug}",
        "slug": slug,
        "zone": "Europe/Lisbon",
        "currency": "EUR",
        "name": "Olive Owner",
        "email": email,
        "password": PASSWORD,
    }


@contextlib.contextmanager
def auth_site(
    databases: Databases,
    *,
    scheduling_url: str | None = None,
    scheduling: SchedulingPort | None = None,
    hashing: Argon2Parameters = QUICK,
    trusted_proxies: tuple[Network, ...] = (),
    pool_size: int = 5,
    endpoints: Sequence[AnyEndpoint] = (),
) -> Iterator[Site]:
    """Serve over real sockets, one thread per request.

    `scheduling_url` is the database in which businesses are opened. The endpoints of `scheduling` and `endpoints` are
    served in addition to auth's.
    """
    database = ModuleDatabase(
        databases.monolith_url, role=ROLE, secret=databases.role_secret, pool_size=pool_size, pool_timeout=1.0
    )
    port = scheduling or engine_in(scheduling_url or databases.monolith_url, databases.role_secret)
    server = make_server("127.0.0.1", 0, app=None, threaded=True)  # type: ignore[arg-type]
    url = f"http://127.0.0.1:{server.server_port}"
    auth = _auth(database, port, url, databases.role_secret, hashing)
    parts = application(url, auth, database, trusted_proxies)
    if scheduling is not None:
        endpoints = [*endpoints, *routes.endpoints(port, auth.api.customer_names), *catalog_endpoints(port)]
    server.app = create_app(replace(parts, endpoints=[*parts.endpoints, *endpoints]))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Site(url, auth, database, databases.monolith_admin_url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        database.close()


def _auth(database: ModuleDatabase, port: SchedulingPort, url: str, secret: str, hashing: Argon2Parameters) -> Auth:
    return build_auth(
        database,
        open_scheduling=business_opener(port),
        update_scheduling=business_updater(port),
        public_url=url,
        cookie_secrets=[secret],
        hashing=hashing,
    )


def application(
    url: str, auth: Auth, database: ModuleDatabase, trusted_proxies: tuple[Network, ...] = ()
) -> Application:
    return Application(
        public_url=url,
        metrics_token=METRICS_TOKEN,
        metrics=Metrics(),
        authorizer=Authorizer(
            auth.sessions,
            BusinessCache(auth.api.business_by_slug, seconds=0.0),
            trusted_proxies,
            cookies=CookieNames.of(url),
        ),
        endpoints=auth.endpoints,
        error_converters=[scheduling_problem],
        checks=[schema_check(database, SCHEMA, MIGRATIONS)],
    )


def engine_in(database_url: str, role_secret: str) -> SchedulingEngine:
    """Return the scheduling engine of this database."""
    return SchedulingEngine(engine_database.EngineDatabase(role_url(database_url, "scheduling_app", role_secret)))
