"""A fresh pair of migrated databases and a separate Redis database for one test."""

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
    """URLs and secrets for a configuration. A running role logs in with `role_url(url, role, role_secret)`.

    Each database is created on first use, because most tests need only one. `redis_url` is an initially empty numbered
    database. Redis channels are not separated by database: derive channel names from something unique to the test.
    """

    def __init__(self, servers: Servers, made: contextlib.ExitStack) -> None:
        self.role_secret = servers.role_secret
        self._servers = servers
        self._name = f"test_{secrets.token_hex(6)}"
        self._made = made

    def replacing(self, **settings: str) -> "Databases":
        """Return the same databases with these settings replaced."""
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
    def second_scheduling_url(self) -> str:
        """A further database of the service, on the server of the first."""
        template = self._servers.scheduling_template_url
        return without_credentials(
            self._made.enter_context(_copied(template, f"{self._name}_scheduling_2", SCHEDULING_SCHEMAS))
        )

    @cached_property
    def redis_url(self) -> str:
        return self._made.enter_context(_redis_database(self._servers))


@contextlib.contextmanager
def fresh_databases(servers: Servers) -> Iterator[Databases]:
    """Provide copies of the templates, and drop them at the end even if connections are still open."""
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
        # A copy does not inherit the grants on the database itself.
        roles.grant_connect(server, name, [role for schema in schemas for role in schema.running_roles])
        roles.grant_replication(server, name, schemas)
        try:
            yield template._replace(path=f"/{name}").geturl()
        finally:
            server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


@contextlib.contextmanager
def _redis_database(servers: Servers) -> Iterator[str]:
    """Provide the next numbered database; database 0 only holds the counter. Numbers are reused after a full round."""
    with redis.Redis.from_url(servers.redis_url, db=0) as counter:
        turn = int(counter.incr("extraction:tests:turn"))
    number = 1 + turn % (servers.redis_databases - 1)
    url = urlsplit(servers.redis_url)._replace(path=f"/{number}").geturl()
    with redis.Redis.from_url(url) as database:
        database.flushdb()
        yield url
        database.flushdb()
