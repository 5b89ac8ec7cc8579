"""Servers that stay up between the laboratory's runs, and copies of databases for each run."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import psycopg
import redis
from psycopg.sql import SQL, Composed, Identifier

from deploy.databases import roles
from deploy.databases.schemas import MONOLITH_SCHEMAS, SCHEDULING_SCHEMAS, Target
from deploy.devstack.environment import Backends
from deploy.devstack.standby import PostgresStandby
from loadtests.harness.servers import Servers

Deployment = Literal["monolith", "scheduling"]
DatabaseServer = Literal["main", "scheduling", "replica"]
DatabasePlacement = dict[Deployment, DatabaseServer]
"""The Postgres server of each deployment's database; deployments that do not run are missing."""

Administrator = psycopg.Connection[tuple[object, ...]]
_SCHEMAS = {"monolith": MONOLITH_SCHEMAS, "scheduling": SCHEDULING_SCHEMAS}


@dataclass
class LabServers(Servers):
    """Up to two Postgres servers, Valkey and the mail sink."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # Roles belong to a server, and one topology has both databases on one server.
        self.keys = replace(self.keys, scheduling_role_secret=self.keys.monolith_role_secret)

    def start_all(self, *names: DatabaseServer) -> None:
        """Start these Postgres servers, with pg_stat_statements, and the other servers. Raises CommandError."""
        for name in names:
            self.start_postgres(name)
            with self.administrator(name) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        self.start_valkey()
        self.start_mail_sink()

    @contextlib.contextmanager
    def running_replica(self) -> Iterator[None]:
        """Run a streaming replica of the server "main", with the databases that it has now, within the block.

        It is a new copy each time, so that no replica uses processor time while another arm is measured.
        """
        folder = self.folder / "postgres-replica"
        replica = PostgresStandby(self.postgres["main"], folder, name="postgres-replica")
        self.postgres["replica"] = replica
        try:
            with self.cores.starting_servers():
                replica.start()
            yield
        finally:
            replica.stop()
            del self.postgres["replica"]
            shutil.rmtree(folder, ignore_errors=True)

    def administrator(
        self, server: DatabaseServer, database: str = "postgres"
    ) -> psycopg.Connection[tuple[object, ...]]:
        """Return an autocommit connection as superuser."""
        return psycopg.connect(self.postgres[server].admin_url(database), autocommit=True)

    def target(self, deployment: Deployment, server: DatabaseServer, database: str) -> Target:
        return self.database_of(deployment, self.postgres[server].admin_url(database))

    def placed_backends(self, placement: DatabasePlacement, prefix: str) -> Backends:
        """Return the backends of a topology whose databases are named `PREFIX_DEPLOYMENT`."""
        urls: dict[str, str] = {
            deployment: self.postgres[server].admin_url(f"{prefix}_{deployment}")
            for deployment, server in placement.items()
        }
        return self.backends(urls)

    @contextlib.contextmanager
    def database_copies(self, placement: DatabasePlacement, template: str, copy: str) -> Iterator[None]:
        """Provide copies of a template's databases and an empty Valkey within the block; then drop the copies."""
        with contextlib.ExitStack() as made:
            assert self.valkey is not None, "it was started"
            with redis.Redis.from_url(self.valkey.url()) as store:
                store.flushall()
            for deployment, server in placement.items():
                made.enter_context(self._database_copy(deployment, server, template, copy))
            yield

    @contextlib.contextmanager
    def _database_copy(
        self, deployment: Deployment, server: DatabaseServer, template: str, copy: str
    ) -> Iterator[None]:
        self.copy_database(deployment, server, template, copy)
        try:
            yield
        finally:
            with self.administrator(server) as connection:
                connection.execute(_drop(f"{copy}_{deployment}"))

    def copy_database(self, deployment: Deployment, server: DatabaseServer, template: str, copy: str) -> None:
        """Copy one database of a template, replacing an earlier copy of that name."""
        source, target = f"{template}_{deployment}", f"{copy}_{deployment}"
        running_roles = [role for schema in _SCHEMAS[deployment] for role in schema.running_roles]
        with self.administrator(server) as connection:
            connection.execute(_drop(target))
            connection.execute(
                SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(Identifier(target), Identifier(source))
            )
            roles.grant_connect(connection, target, running_roles)


def _drop(database: str) -> Composed:
    return SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(database))
