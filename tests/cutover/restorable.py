"""Databases on servers of their own, which a test can back up, restore, copy and replace."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from contracts.chassis.credentials import without_credentials
from contracts.scheduling.errors import NotOwner, SchedulingError
from contracts.scheduling.values import DatabaseName
from deploy.backups.manifest import Manifest
from deploy.backups.programs import connection_arguments, run_program
from deploy.backups.restore import restore
from deploy.databases.schemas import Target, monolith_target, scheduling_target
from deploy.databases.set_up import set_up
from deploy.devstack.postgres import PostgresServer
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases
from monolith.cutover.registry import with_registry
from tests.contract.port.shop import Shop, at
from tests.cutover.dying_controller import PassingChecks
from tests.cutover.replication_pair import engine_at
from tests.polling import eventually

SECRET = "secret-of-restorable-servers"
NAMES: tuple[DatabaseName, ...] = ("monolith", "scheduling")


@dataclass
class RestorableServers:
    """Running servers, at first two. A replacement listens on the port of the server that it replaces."""

    folder: Path
    servers: dict[DatabaseName, PostgresServer] = field(default_factory=dict)
    count: int = 0

    @property
    def pair(self) -> SchedulingDatabases:
        return SchedulingDatabases(self._database("monolith"), self._database("scheduling"))

    @property
    def registered(self) -> SchedulingDatabases:
        """The pair, and the databases that are registered."""
        return with_registry(self._database("monolith"), self._database("scheduling"), {})

    @property
    def admin_urls(self) -> dict[DatabaseName, str]:
        return {name: server.admin_url(name) for name, server in self.servers.items()}

    def _database(self, name: DatabaseName) -> SchedulingDatabase:
        return SchedulingDatabase(name, without_credentials(self.admin_urls[name]), SECRET)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of commands that address these databases."""
        urls = {f"{name.upper()}_DATABASE_URL": self.admin_urls[name] for name in NAMES}
        return {**urls, "DATABASE_ROLE_SECRET": SECRET}

    def target(self, name: DatabaseName) -> Target:
        target = monolith_target if name == "monolith" else scheduling_target
        return target(self.admin_urls[name], SECRET)

    def start(self, name: DatabaseName) -> None:
        self.servers[name] = server = PostgresServer(self.folder / name, name=name, durable=False)
        server.start()
        set_up(self.target(name))

    def new_folder(self, name: DatabaseName) -> Path:
        """Return the folder of a server that will replace this one; it has the password, and no data yet."""
        self.count += 1
        folder = self.folder / f"{name}-replaced-{self.count}"
        folder.mkdir()
        shutil.copy(self.servers[name].folder / "password", folder / "password")
        return folder

    def replace(self, name: DatabaseName, folder: Path) -> None:
        """Kill the server, and start the one in `folder` on its port."""
        former = self.servers[name]
        former.kill()
        self.servers[name] = PostgresServer(folder, former.port, name=folder.name, durable=False)
        self.servers[name].start()

    def standby(self, name: DatabaseName) -> Path:
        """Return the folder of a standby that has received everything so far, and that does not run."""
        folder = self.new_folder(name)
        server, password = connection_arguments(self.admin_urls[name])
        options = ["--pgdata", str(folder / "data"), "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        run_program("pg_basebackup", [*server, *options], password)
        (folder / "data" / "standby.signal").touch()
        return folder

    @contextlib.contextmanager
    def synchronous_standby(self, name: DatabaseName) -> Iterator[Path]:
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

    def promote(self, name: DatabaseName) -> None:
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


def silent(line: str) -> None:
    pass


def restored(servers: RestorableServers, backup: Path, manifest: Manifest, *names: DatabaseName) -> None:
    """Restore databases of the backup, and replace their servers by those."""
    for name in names:
        folder = servers.new_folder(name)
        restore(backup, manifest, name, folder / "data", silent)
        servers.replace(name, folder)


def move(pair: SchedulingDatabases, shop: Shop, source: DatabaseName, target: DatabaseName) -> None:
    with Controller(pair, PassingChecks()) as controller:
        moved = controller.cut_over(
            shop.business_id, source, target, fence_seconds=10, actor="tests", reason="before the disaster"
        )
    assert moved.state == "active", moved.problem
