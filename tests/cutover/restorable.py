"""Both databases on servers of their own, which a test can back up, restore, copy and replace."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from contracts.chassis.credentials import without_credentials
from contracts.scheduling.errors import NotOwner, SchedulingError
from contracts.scheduling.values import DatabaseName
from deploy.backups.manifest import NAMES, Name
from deploy.backups.programs import connection_arguments, run_program
from deploy.databases.schemas import Target, monolith_target, scheduling_target
from deploy.databases.set_up import set_up
from deploy.devstack.postgres import PostgresServer
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases
from tests.contract.port.shop import Shop, at
from tests.cutover.replication_pair import engine_at
from tests.polling import eventually

SECRET = "secret-of-restorable-servers"
TARGETS = {"monolith": monolith_target, "scheduling": scheduling_target}


@dataclass
class RestorableServers:
    """Two running servers. A replacement listens on the port of the server that it replaces."""

    folder: Path
    servers: dict[Name, PostgresServer] = field(default_factory=dict)
    count: int = 0

    @property
    def pair(self) -> SchedulingDatabases:
        found = {
            name: SchedulingDatabase(name, without_credentials(url), SECRET) for name, url in self.admin_urls.items()
        }
        return SchedulingDatabases(found["monolith"], found["scheduling"])

    @property
    def admin_urls(self) -> dict[Name, str]:
        return {name: server.admin_url(name) for name, server in self.servers.items()}

    @property
    def settings(self) -> dict[str, str]:
        """The environment of commands that address these databases."""
        urls = {f"{name.upper()}_DATABASE_URL": url for name, url in self.admin_urls.items()}
        return {**urls, "DATABASE_ROLE_SECRET": SECRET}

    def target(self, name: Name) -> Target:
        return TARGETS[name](self.admin_urls[name], SECRET)

    def start(self, name: Name) -> None:
        self.servers[name] = server = PostgresServer(self.folder / name, name=name, durable=False)
        server.start()
        set_up(self.target(name))

    def new_folder(self, name: Name) -> Path:
        """Return the folder of a server that will replace this one; it has the password, and no data yet."""
        self.count += 1
        folder = self.folder / f"{name}-{self.count}"
        folder.mkdir()
        shutil.copy(self.servers[name].folder / "password", folder / "password")
        return folder

    def replace(self, name: Name, folder: Path) -> None:
        """Kill the server, and start the one in `folder` on its port."""
        former = self.servers[name]
        former.kill()
        self.servers[name] = PostgresServer(folder, former.port, name=folder.name, durable=False)
        self.servers[name].start()

    def standby(self, name: Name) -> Path:
        """Return the folder of a standby that has received everything so far, and that does not run."""
        folder = self.new_folder(name)
        server, password = connection_arguments(self.admin_urls[name])
        options = ["--pgdata", str(folder / "data"), "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        run_program("pg_basebackup", [*server, *options], password)
        (folder / "data" / "standby.signal").touch()
        return folder

    @contextlib.contextmanager
    def synchronous_standby(self, name: Name) -> Iterator[Path]:
        """Provide the folder of a standby, for which every commit of the server waits within the block."""
        folder = self.new_folder(name)
        server, password = connection_arguments(self.admin_urls[name])
        options = ["--pgdata", str(folder / "data"), "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        run_program("pg_basebackup", [*server, *options, "--write-recovery-conf"], password)
        standby = PostgresServer(folder, name=folder.name, durable=False)
        standby.start()
        try:
            with psycopg.connect(self.admin_urls[name], autocommit=True) as db:
                db.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                db.execute("SELECT pg_reload_conf()")
                states = "SELECT sync_state FROM pg_stat_replication WHERE sync_state <> 'async'"
                eventually(lambda: db.execute(states).fetchone() is not None, "a synchronous standby")
            yield folder
        finally:
            standby.stop()

    def promote(self, name: Name) -> None:
        with psycopg.connect(self.admin_urls[name], autocommit=True) as db:
            assert db.execute("SELECT pg_promote()").fetchone() == (True,)


@contextlib.contextmanager
def restorable_servers(folder: Path) -> Iterator[RestorableServers]:
    found = RestorableServers(folder)
    try:
        for name in NAMES:
            found.start(name)
        yield found
    finally:
        for server in found.servers.values():
            server.stop()


def accepts_writes(pair: SchedulingDatabases, name: DatabaseName, shop: Shop, minute: int) -> bool:
    """Book directly in one database, past the routing table."""
    try:
        shop.through(engine_at(pair, name)).book(at(9, minute, day=14))
    except NotOwner:
        return False
    except SchedulingError as error:
        raise AssertionError(f"neither accepted nor refused for want of a lease: {error!r}") from error
    return True
