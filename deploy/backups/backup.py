"""Back up all databases to one consistent point while the product is in use."""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from contracts.chassis.credentials import without_credentials
from contracts.scheduling.values import DatabaseName
from deploy.backups.consistent_point import Connection, ConsistentPoint, mark_point
from deploy.backups.manifest import DatabaseBackup, Manifest, write_manifest
from deploy.backups.programs import connection_arguments, run_program
from deploy.errors import CommandError
from scheduling_service.engine.lease import read_incarnation

Say = Callable[[str], None]
_APPLICATION = "extraction backup"


def create_point(urls: Mapping[DatabaseName, str]) -> tuple[str, ConsistentPoint]:
    """Mark a consistent point in all databases, for a tool that archives their WAL; return its name and position.

    `urls` have an administrator's credentials. Raises CommandError.
    """
    point = _new_name()
    with _connected(urls) as dbs:
        return point, mark_point(dbs, point)


def take_backup(urls: Mapping[DatabaseName, str], folder: Path, say: Say) -> Manifest:
    """Write a backup into `folder`, which must be new or empty. Raises CommandError; an incomplete folder remains.

    A physical replication slot retains each server's WAL while the backup runs; it is dropped at the end in any case.
    """
    _prepare(folder)
    point = _new_name()
    with _connected(urls) as dbs, contextlib.ExitStack() as slots:
        for db in dbs.values():
            slots.enter_context(_slot(db, point))
        for name, url in urls.items():
            say(f"copying the {name} database")
            _copy_base(url, folder / name / "base", point)
        marked = mark_point(dbs, point)
        say(f"the databases are consistent at {point}; scheduling's writes waited {marked.paused_ms:g} ms")
        for name, url in urls.items():
            _receive_wal(dbs[name], url, folder / name / "wal", point)
        described = {name: _describe(db, marked.lsn[name]) for name, db in dbs.items()}
    manifest = Manifest(point, datetime.now(UTC).isoformat(timespec="seconds"), marked.paused_ms, described)
    write_manifest(folder, manifest)
    return manifest


def _new_name() -> str:
    return f"extraction_{datetime.now(UTC):%Y%m%dt%H%M%S}_{secrets.token_hex(2)}"


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CommandError(f"{folder} is not empty: name a new folder for each backup")
    folder.chmod(0o700)


@contextlib.contextmanager
def _connected(urls: Mapping[DatabaseName, str]) -> Iterator[dict[DatabaseName, Connection]]:
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(connect(name, url)) for name, url in urls.items()}


def connect(name: DatabaseName, url: str) -> Connection:
    """Connect to a database in autocommit mode. Raises CommandError, with the remedy."""
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10, application_name=_APPLICATION)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise CommandError(
            f"cannot connect to the {name} database at {without_credentials(url)} ({reason}): start that server"
        ) from error


@contextlib.contextmanager
def _slot(db: Connection, name: str) -> Iterator[None]:
    """Retain the server's WAL from now on."""
    try:
        db.execute("SELECT pg_create_physical_replication_slot(%s, true)", (name,))
    except psycopg.errors.ConfigurationLimitExceeded as error:
        raise CommandError("a server has no free replication slot: raise max_replication_slots by one") from error
    try:
        yield
    finally:
        with contextlib.suppress(psycopg.Error):
            db.execute("SELECT pg_drop_replication_slot(%s)", (name,))


def _copy_base(url: str, target: Path, label: str) -> None:
    server, password = connection_arguments(url)
    options = ["--pgdata", str(target), "--format=plain", "--wal-method=none", "--checkpoint=fast"]
    run_program(
        "pg_basebackup",
        [*server, *options, "--manifest-checksums=SHA256", "--label", label, "--no-password"],
        password,
    )


def _receive_wal(db: Connection, url: str, target: Path, slot: str) -> None:
    """Receive the WAL from the start of the base backup to the end of the segment that holds the point."""
    target.mkdir()
    # The message begins the next segment, so that the switched one is sent up to its end.
    db.execute("SELECT pg_switch_wal()")
    row = db.execute("SELECT pg_logical_emit_message(false, 'extraction', 'backup', true)::text").fetchone()
    assert row is not None, "the function returns a position"
    server, password = connection_arguments(url)
    options = ["--directory", str(target), "--slot", slot, "--endpos", str(row[0]), "--no-loop", "--no-password"]
    run_program("pg_receivewal", [*server, *options], password)
    for partial in target.glob("*.partial"):
        partial.rename(partial.with_suffix(""))


def _describe(db: Connection, lsn: str) -> DatabaseBackup:
    return DatabaseBackup(db.info.dbname, read_incarnation(db), db.info.server_version, lsn)
