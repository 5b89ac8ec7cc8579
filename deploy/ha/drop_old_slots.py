"""A callback of Patroni: on a former leader, drop the slots that it had, so that it receives those of its successor.

    python drop_old_slots.py /etc/patroni.yml ACTION ROLE CLUSTER

Postgres refuses to synchronize slots to a standby that has a slot of the same name of its own. Run it with Patroni's
own Python: it needs PyYAML and psycopg too.
"""

import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import yaml

SECONDS = 900.0
"""A large server replays for minutes before it accepts connections. Patroni stops an earlier run before the next."""
_OLD = """
    SELECT slot_name, database FROM pg_replication_slots
     WHERE slot_type = 'logical' AND failover AND NOT synced AND NOT active AND pg_is_in_recovery()
"""


def main(configuration: Path, role: str) -> None:
    """Drop the slots once the server accepts connections; do nothing on a leader."""
    if role in ("primary", "master"):
        return
    settings: dict[str, Any] = yaml.safe_load(configuration.read_text())["postgresql"]
    until = time.monotonic() + SECONDS
    while True:
        try:
            _drop_slots(settings)
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return


def _drop_slots(settings: dict[str, Any]) -> None:
    with _connect(settings, "postgres") as server:
        slots = server.execute(_OLD).fetchall()
    for name, database in slots:
        # A logical slot can be dropped in its own database only.
        with _connect(settings, database) as connection:
            connection.execute("SELECT pg_drop_replication_slot(%s)", (name,))


def _connect(settings: dict[str, Any], database: str) -> psycopg.Connection:
    host, _, port = settings["connect_address"].rpartition(":")
    login = settings["authentication"]["superuser"]
    return psycopg.connect(host=host, port=port, dbname=database, user=login["username"], password=login["password"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[3])
