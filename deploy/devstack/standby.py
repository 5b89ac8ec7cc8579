"""A streaming replica of a local Postgres server, for measurements and rehearsals."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import psycopg

from deploy.backups.programs import connection_arguments, run_program
from deploy.devstack.postgres import PostgresServer
from deploy.errors import CommandError


class PostgresStandby(PostgresServer):
    """A hot standby in one folder. ``start`` copies the running primary into a new folder; a copy survives ``stop``.

    Its databases, roles and passwords are the primary's. It has no replication slot: when the primary has recycled WAL
    that a stopped copy lacks, remove the folder.
    """

    def __init__(
        self, primary: PostgresServer, folder: Path, *, name: str, settings: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(folder, name=name, durable=primary.durable, settings=settings)
        self._primary = primary

    def admin_url(self, database: str = "postgres") -> str:
        """Return a URL with the superuser's credentials."""
        return self._primary.admin_url(database).replace(f":{self._primary.port}/", f":{self.port}/")

    def _is_ready(self) -> bool:
        """It serves, and is connected to the primary."""
        try:
            with psycopg.connect(self.admin_url(), connect_timeout=5) as connection:
                row = connection.execute("SELECT status = 'streaming' FROM pg_stat_wal_receiver").fetchone()
        except psycopg.OperationalError:
            return False
        return row is not None and bool(row[0])

    def _initialize(self, target: Path, prefix: tuple[str, ...]) -> None:
        server, password = connection_arguments(self._primary.admin_url())
        options = ["--pgdata", str(target), "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"]
        try:
            run_program("pg_basebackup", [*server, *options], password, prefix=prefix)
        except CommandError as error:
            shutil.rmtree(target, ignore_errors=True)
            raise CommandError(f"{self.name} could not be copied from {self._primary.name}: {error}") from error
