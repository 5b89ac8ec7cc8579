"""Which databases wait for `extraction recover`: they may have lost rows that only a copy elsewhere still has."""

from collections.abc import Collection

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import Connection, SchedulingDatabases
from monolith.cutover.store import servers
from monolith.cutover.store.servers import RecoveryRequired
from scheduling_service.engine import lease as leases


def databases_in_doubt(
    control_db: Connection, databases: SchedulingDatabases, names: Collection[DatabaseName]
) -> list[DatabaseName]:
    """Return those of the databases whose server was replaced, or that have a void lease. Raises psycopg.Error."""
    known, found = servers.known_servers(control_db), list[DatabaseName]()
    for name in names:
        with databases.at(name).connect() as db:
            validity = leases.read_validity(db)
        if validity.void or known.get(name, validity.incarnation) != validity.incarnation:
            found.append(name)
    return found


def require_recovered(control_db: Connection, databases: SchedulingDatabases, names: Collection[DatabaseName]) -> None:
    """Raise RecoveryRequired while one of the databases waits for a recovery. Raises psycopg.Error."""
    in_doubt = databases_in_doubt(control_db, databases, names)
    if in_doubt:
        raise RecoveryRequired(in_doubt[0])
