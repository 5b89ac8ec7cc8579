"""The registered databases as the control plane connects to them, kept current."""

import logging
import time
from collections.abc import Mapping

import psycopg

from contracts.chassis.settings import ConfigError, Environment, database_url, role_secret, url
from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import RegisteredDatabase, SchedulingDatabase, SchedulingDatabases
from monolith.cutover.store.registry import DatabaseEntry, read_entries

log = logging.getLogger(__name__)

LONGEST_AGE_SECONDS = 15.0
"""How long a process may take to notice that a database was registered, or that pairs changed."""


_UNKNOWN_SECRET = "unknown"  # noqa: S105 (no role has a password that is derived from it)


def with_registry(
    monolith: SchedulingDatabase, scheduling: SchedulingDatabase, environment: Environment
) -> SchedulingDatabases:
    """Return the two databases of the settings, and those that are registered in the monolith's. Does not connect."""
    first = SchedulingDatabases(monolith, scheduling)
    return SchedulingDatabases(monolith, scheduling, _Registry(first, environment).read)


def validated(entry: DatabaseEntry, environment: Environment) -> DatabaseEntry:
    """Return the entry with its URLs in their normal form. Raises ConfigError, as for settings with these URLs."""
    given = {**environment, "--database-url": entry.database_url or "", "--service-url": entry.service_url or ""}
    return entry._replace(
        database_url=database_url(given, "--database-url"),
        service_url=url(given, "--service-url", "http://host:port"),
    )


def database_of(entry: DatabaseEntry, first: SchedulingDatabase, environment: Environment) -> SchedulingDatabase:
    """Return a further database; `first` is that of the settings. Raises ConfigError for a missing secret."""
    assert entry.database_url is not None, "only the first databases are settings"
    secret = first.secret if entry.secret_setting is None else role_secret(environment, entry.secret_setting)
    return SchedulingDatabase(entry.name, entry.database_url, secret, entry.seen_from_others)


class _Registry:
    """Reads the registry when it is first needed, and again when it is older than `LONGEST_AGE_SECONDS`.

    While the monolith's database is unreachable, the registry stays as it was.
    """

    def __init__(self, first: SchedulingDatabases, environment: Environment) -> None:
        self._first = first
        self._environment = environment
        self._found: Mapping[DatabaseName, RegisteredDatabase] | None = None
        self._read_at = 0.0

    def read(self) -> Mapping[DatabaseName, RegisteredDatabase]:
        """Raises psycopg.OperationalError if it was never read and cannot be."""
        if self._found is None or time.monotonic() - self._read_at > LONGEST_AGE_SECONDS:
            try:
                with self._first.control_db() as control_db:
                    entries = read_entries(control_db)
            except psycopg.OperationalError:
                if self._found is None:
                    raise
            else:
                self._found = {entry.name: self._registered(entry) for entry in entries}
            self._read_at = time.monotonic()
        return self._found

    def _registered(self, entry: DatabaseEntry) -> RegisteredDatabase:
        businesses = None if entry.businesses is None else frozenset(entry.businesses)
        return RegisteredDatabase(self._database(entry), entry.partner, businesses, entry.service_url)

    def _database(self, entry: DatabaseEntry) -> SchedulingDatabase:
        """Return the database. One whose secret is not set cannot be reached, and is no reason to stop."""
        if entry.database_url is None:
            return self._first.extraction.at(entry.name)
        try:
            return database_of(entry, self._first.scheduling, self._environment)
        except ConfigError as error:
            log.error("the %s database cannot be used: %s", entry.name, error)
            return SchedulingDatabase(entry.name, entry.database_url, _UNKNOWN_SECRET, entry.seen_from_others)
