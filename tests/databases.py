"""A fresh pair of migrated databases and a Redis database of its own, for one test."""

import contextlib
import secrets
from collections.abc import Iterator
from copy import copy
from functools import cached_property
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg.sql import SQL, Identifier

from contracts.chassis.credentials import without_credentials
from deploy.databases import roles
from deploy.databases.schemas import MONOLITH_SCHEMAS, SCHEDULING_SCHEMAS, Schema
from tests.servers import Servers


class Databases:
    """What a configuration needs. A running role logs in by `role_url(url, role, role_secret)`.

    Each database is made when it is first asked for: most tests need one of them. ``redis_url`` is a numbered
    database, empty at first. Publish and subscribe know no databases: name a channel after something that is the
    test's own.
    """

    def __init__(self, servers: Servers, made: contextlib.ExitStack) -> None:
        self.role_secret = servers.role_secret
        self._servers = servers
        self._name = f"test_{secrets.token_hex(6)}"
        self._made = made

    def reached_by(self, **settings: str) -> "Databases":
        """The same databases, with some of these settings replaced."""
        found = copy(self)
        vars(found).update(settings)
        return found

    @cached_property
    def monolith_url(self) -> str:
        return without_credentials(self.monolith_admin_url)

    @cached_property
    def scheduling_url(self) -> str:
        return without_credentials(self.scheduling_admin_url)

    @cached_property
    def monolith_admin_url(self) -> str:
        template = self._servers.monolith_template_url
        return self._made.enter_context(_copied(template, f"{self._name}_monolith", MONOLITH_SCHEMAS))

    @cached_property
    def scheduling_admin_url(self) -> str:
        template = self._servers.scheduling_template_url
        return self._made.enter_context(_copied(template, f"{self._name}_scheduling", SCHEDULING_SCHEMAS))

    @cached_property
    def redis_url(self) -> str:
        return self._made.enter_context(_redis_database(self._servers))


@contextlib.contextmanager
def fresh_databases(servers: Servers) -> Iterator[Databases]:
    """Copies of the templates; dropped at the end, also under the feet of connections that were left open."""
    with contextlib.ExitStack() as made:
        yield Databases(servers, made)


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
        roles.grant_connect(server, name, [role for schema in schemas for role in schema.running_roles])
        roles.grant_replication(server, name, schemas)
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
