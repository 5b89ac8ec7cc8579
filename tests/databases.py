"""A fresh pair of migrated databases and a Redis database of its own, for one test."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg.sql import SQL, Identifier

from deploy.databases import roles
from deploy.databases.histories import MONOLITH_SCHEMAS, SCHEDULING_SCHEMAS, Schema
from scheduling_service.credentials import without_credentials
from tests.servers import Servers


@dataclass(frozen=True, slots=True)
class Databases:
    """What a configuration needs. A running role logs in by `role_url(url, role, role_secret)`.

    ``redis_url`` is a numbered database, empty at first. Publish and subscribe know no databases: name a
    channel after something that is the test's own.
    """

    monolith_url: str
    scheduling_url: str
    monolith_admin_url: str
    scheduling_admin_url: str
    role_secret: str
    redis_url: str


@contextlib.contextmanager
def fresh_databases(servers: Servers) -> Iterator[Databases]:
    """Copies of the templates; dropped at the end, also under the feet of connections that were left open."""
    name = f"test_{secrets.token_hex(6)}"
    with (
        _copied(servers.monolith_template_url, f"{name}_monolith", MONOLITH_SCHEMAS) as monolith_url,
        _copied(servers.scheduling_template_url, f"{name}_scheduling", SCHEDULING_SCHEMAS) as scheduling_url,
        _redis_database(servers) as redis_url,
    ):
        yield Databases(
            monolith_url=without_credentials(monolith_url),
            scheduling_url=without_credentials(scheduling_url),
            monolith_admin_url=monolith_url,
            scheduling_admin_url=scheduling_url,
            role_secret=servers.role_secret,
            redis_url=redis_url,
        )


@contextlib.contextmanager
def _copied(template_url: str, name: str, schemas: tuple[Schema, ...]) -> Iterator[str]:
    template = urlsplit(template_url)
    with psycopg.connect(template._replace(path="/postgres").geturl(), autocommit=True) as server:
        server.execute(
            SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                Identifier(name), Identifier(template.path.removeprefix("/"))
            )
        )
        # A copy has the template's contents, not the grants on the database itself.
        roles.let_connect(server, name, [role for schema in schemas for role in schema.running_roles])
        roles.let_replicate(server, name, schemas)
        try:
            yield template._replace(path=f"/{name}").geturl()
        finally:
            server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


@contextlib.contextmanager
def _redis_database(servers: Servers) -> Iterator[str]:
    """Database 0 only counts which number is next; more tests at once than numbers would share one."""
    with redis.Redis.from_url(servers.redis_url, db=0) as counter:
        turn = int(counter.incr("extraction:tests:turn"))
    number = 1 + turn % (servers.redis_databases - 1)
    url = urlsplit(servers.redis_url)._replace(path=f"/{number}").geturl()
    with redis.Redis.from_url(url) as database:
        database.flushdb()
        yield url
        database.flushdb()
