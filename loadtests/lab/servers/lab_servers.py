"""What stays up between runs: two Postgres servers, Valkey, somebody who takes the mails; and databases to copy."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import psycopg
import redis
from psycopg.sql import SQL, Composed, Identifier

from deploy.databases import roles
from deploy.databases.schemas import MONOLITH_SCHEMAS, SCHEDULING_SCHEMAS, Target, monolith_target, scheduling_target
from deploy.devstack import processes
from deploy.devstack.child import Child
from deploy.devstack.environment import Backends
from deploy.devstack.keys import Keys, load_keys
from deploy.devstack.ports import free_port
from deploy.devstack.postgres import PostgresServer
from deploy.devstack.settings import DEFAULT_PORTS, Settings
from deploy.devstack.valkey import ValkeyServer
from loadtests.harness.cores import Cores

Deployment = Literal["monolith", "scheduling"]
DatabaseServer = Literal["main", "apart"]
DatabasePlacement = dict[Deployment, DatabaseServer]
"""On which server each deployment's database is; a deployment that is not there has none."""

_SCHEMAS = {"monolith": MONOLITH_SCHEMAS, "scheduling": SCHEDULING_SCHEMAS}


@dataclass
class LabServers:
    """Everything that was started here stops when the ground is left, last first."""

    folder: Path
    cores: Cores
    running: contextlib.ExitStack
    budget_cores: float | None = None
    """What each budget of an arm may use; None when there is one budget, which is the servers' core."""
    settings: Settings = field(init=False)
    keys: Keys = field(init=False)
    postgres: dict[DatabaseServer, PostgresServer] = field(init=False, default_factory=dict)
    valkey: ValkeyServer = field(init=False)

    def __post_init__(self) -> None:
        self.settings = Settings(self.folder, {name: free_port() for name in DEFAULT_PORTS}, None, None, None)
        made = load_keys(self.folder / "secrets.json")
        # Roles belong to a server, and one topology has both databases on one server.
        self.keys = replace(made, scheduling_role_secret=made.monolith_role_secret)

    def start(self, *servers: DatabaseServer) -> None:
        """Servers as the demo has them, with their statistics of statements readable. Raises CommandError."""
        for name in servers:
            self.postgres[name] = PostgresServer(self.folder / f"postgres-{name}", name=f"postgres-{name}")
            self._start(self.postgres[name])
            with self.administrator(name) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        self.valkey = ValkeyServer(self.folder / "valkey", self.settings.ports["REDIS_PORT"])
        self._start(self.valkey)
        # Mails leave the product: who takes them works on the generator's core.
        mailsink = processes.mailsink_process(self.settings)
        self.running.callback(mailsink.stop)
        with self.cores.for_generator():
            mailsink.start()

    def administrator(
        self, server: DatabaseServer, database: str = "postgres"
    ) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.postgres[server].admin_url(database), autocommit=True)

    def target(self, deployment: Deployment, server: DatabaseServer, database: str) -> Target:
        url = self.postgres[server].admin_url(database)
        if deployment == "monolith":
            return monolith_target(url, self.keys.monolith_role_secret)
        return scheduling_target(url, self.keys.scheduling_role_secret)

    def backends(self, home: DatabasePlacement, prefix: str) -> Backends:
        """For the processes of a topology whose databases are named by `prefix`."""
        urls = {
            deployment: self.postgres[server].admin_url(f"{prefix}_{deployment}") for deployment, server in home.items()
        }
        # A side that is not there is never asked; its address only has to be well-formed.
        nowhere = "postgresql://127.0.0.1:9/none"
        return Backends(urls.get("monolith", nowhere), urls.get("scheduling", nowhere), self.valkey.url())

    @contextlib.contextmanager
    def copied(self, home: DatabasePlacement, template: str, copy: str) -> Iterator[None]:
        """Copies of a template's databases, and an empty Valkey, while the block lasts."""
        with contextlib.ExitStack() as made:
            with redis.Redis.from_url(self.valkey.url()) as store:
                store.flushall()
            for deployment, server in home.items():
                made.enter_context(self._copied(deployment, server, template, copy))
            yield

    @contextlib.contextmanager
    def _copied(self, deployment: Deployment, server: DatabaseServer, template: str, copy: str) -> Iterator[None]:
        self.copy(deployment, server, template, copy)
        try:
            yield
        finally:
            with self.administrator(server) as connection:
                connection.execute(_drop(f"{copy}_{deployment}"))

    def copy(self, deployment: Deployment, server: DatabaseServer, template: str, copy: str) -> None:
        """One database of a template, in the place of an earlier copy of that name."""
        source, made = f"{template}_{deployment}", f"{copy}_{deployment}"
        schemas = _SCHEMAS[deployment]
        with self.administrator(server) as connection:
            connection.execute(_drop(made))
            connection.execute(
                SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(Identifier(made), Identifier(source))
            )
            roles.grant_connect(connection, made, [role for schema in schemas for role in schema.running_roles])

    def _start(self, server: Child) -> None:
        self.running.callback(server.stop)
        with self.cores.for_servers():
            server.start()


def _drop(database: str) -> Composed:
    return SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(database))
