"""The adapter from a psycopg connection to the writers of the platform's tables."""

from monolith.cutover.databases import Connection
from monolith.shared.flags.platform_writes import Execute


def executor(platform: Connection) -> Execute:
    """Return a function that executes statements on the connection, in its current transaction."""
    return lambda statement, values: platform.execute(statement.encode(), values)
