"""The test servers: two Postgres and one Valkey, started once per run and shared by its workers (see `run_scope.py`).

MONOLITH_DATABASE_URL, SCHEDULING_DATABASE_URL and REDIS_URL name existing servers to use in their place.
"""

import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from deploy.databases.schemas import Target, monolith_target, scheduling_target
from deploy.databases.set_up import set_up
from deploy.devstack.postgres import PostgresServer
from deploy.devstack.valkey import ValkeyServer
from tests.run_scope import hold_until_the_run_ends, leave, obtain_from_holder

ROOT = Path(__file__).resolve().parents[1]
MODULE = "tests.servers"
REDIS_DATABASES = 1000


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses of the servers. A template is a migrated database to copy; it accepts no connections."""

    monolith_template_url: str
    scheduling_template_url: str
    redis_url: str
    redis_databases: int
    role_secret: str


def obtain(folder: Path) -> Servers:
    """Return the servers of this run; start them on first use."""
    return Servers(**obtain_from_holder(MODULE, folder))


def main() -> None:
    """Start the servers, describe them in FOLDER, and serve until the run ends."""
    folder = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with _servers(folder) as servers:
        hold_until_the_run_ends(MODULE, folder, asdict(servers))
    leave(MODULE, folder)


@contextlib.contextmanager
def _servers(folder: Path) -> Iterator[Servers]:
    role_secret = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        redis_url, redis_databases = _redis(folder, stack)
        # Prepared transactions: a test checks that a cutover waits for them. A small WAL fits into memory. Deadlocks
        # are detected before the product's lock timeout, so that they are reported as deadlocks.
        settings = {"max_prepared_transactions": "8", "max_wal_size": "256MB", "deadlock_timeout": "300ms"}
        ours = [
            PostgresServer(folder / name, name=name, durable=False, settings=settings)
            for name in ("monolith", "scheduling")
        ]
        urls = [os.environ.get(f"{server.name.upper()}_DATABASE_URL") for server in ours]
        needed = [server for server, url in zip(ours, urls, strict=True) if not url]
        for server in needed:
            server.launch()
            stack.callback(server.stop)
        for server in needed:
            server.wait_until_ready()
        server_urls = [url or server.admin_url() for server, url in zip(ours, urls, strict=True)]
        suffix = secrets.token_hex(4)
        templates = [
            monolith_target(_database(server_urls[0], f"template_monolith_{suffix}"), role_secret),
            scheduling_target(_database(server_urls[1], f"template_scheduling_{suffix}"), role_secret),
        ]
        for template in templates:
            stack.callback(_drop_template, template)
            _make_template(template)
        yield Servers(templates[0].url, templates[1].url, redis_url, redis_databases, role_secret)


def _redis(folder: Path, stack: contextlib.ExitStack) -> tuple[str, int]:
    given = os.environ.get("REDIS_URL")
    if given:
        return given, 16
    server = stack.enter_context(ValkeyServer(folder / "valkey", durable=False, databases=REDIS_DATABASES))
    return server.url(), REDIS_DATABASES


def _make_template(template: Target) -> None:
    set_up(template)
    _alter(template, "ALTER DATABASE {} WITH ALLOW_CONNECTIONS false")


def _drop_template(template: Target) -> None:
    _alter(template, "DROP DATABASE IF EXISTS {} WITH (FORCE)")


def _alter(template: Target, statement: str) -> None:
    name = urlsplit(template.url).path.removeprefix("/")
    with psycopg.connect(_database(template.url, "postgres"), autocommit=True) as connection:
        connection.execute(SQL(statement).format(Identifier(name)))


def _database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


if __name__ == "__main__":
    main()
