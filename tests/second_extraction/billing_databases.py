"""Both databases of billing, with its lease, and replication of its tables in both directions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from openfeature import api as openfeature
from psycopg import sql

from contracts.chassis.credentials import without_credentials
from contracts.scheduling.values import DatabaseName
from deploy.databases.schemas import MONOLITH_SCHEMAS, Target
from deploy.databases.set_up import set_up
from monolith.cutover.databases import Connection, SchedulingDatabase
from monolith.cutover.routing import OwnershipRoutes
from monolith.cutover.scheduling_flag import SchedulingFlag
from monolith.shared.database import ModuleDatabase
from tests.databases import Databases
from tests.polling import eventually

MONOLITH: DatabaseName = "monolith"
BILLING: DatabaseName = "billing"
"""Not one of scheduling's names, so `billing_owner.sql` lets the registry accept it."""

TABLES = ("credit_note", "invoice", "invoice_line", "number_series", "payment", "price")
_LEASE = Path(__file__).with_name("billing_lease.sql")
_OWNER = Path(__file__).with_name("billing_owner.sql")


@dataclass(frozen=True)
class BillingDatabase:
    admin_url: str

    def connect(self) -> Connection:
        return psycopg.connect(self.admin_url, autocommit=True, options="-c timezone=UTC -c statement_timeout=30000")


@dataclass(frozen=True)
class BillingDatabases:
    """Both databases of billing; cutovers are recorded in the monolith's."""

    databases: Databases
    billing_url: str

    def at(self, name: DatabaseName) -> BillingDatabase:
        return BillingDatabase(self.databases.monolith_admin_url if name == MONOLITH else self.billing_url)

    def control_db(self) -> Connection:
        monolith = SchedulingDatabase(MONOLITH, self.databases.monolith_url, self.databases.role_secret)
        return monolith.connect("cutover_controller", statement_seconds=5.0)

    def module_database(self, name: DatabaseName) -> ModuleDatabase:
        """Return the database as billing's own code uses it, under the role `billing_app`."""
        url = without_credentials(self.at(name).admin_url)
        return ModuleDatabase(url, role="billing_app", secret=self.databases.role_secret, pool_size=4)


@contextmanager
def ownership_routes(pair: BillingDatabases) -> Iterator[tuple[ModuleDatabase, OwnershipRoutes]]:
    """Provide the routing table, and the database that stores it. The flag is used to open a business only."""
    database = ModuleDatabase(
        pair.databases.monolith_url, role="cutover_app", secret=pair.databases.role_secret, pool_size=4
    )
    try:
        yield database, OwnershipRoutes(database, SchedulingFlag(openfeature.get_client("billing")))
    finally:
        database.close()


@contextmanager
def billing_databases(databases: Databases) -> Iterator[BillingDatabases]:
    """Create the service's database with billing's own migrations, and replicate while the block runs."""
    server, _, name = databases.scheduling_admin_url.rpartition("/")
    pair = BillingDatabases(databases, f"{server}/{name}_billing")
    schema = next(each for each in MONOLITH_SCHEMAS if each.name == "billing")
    set_up(Target("billing", "BILLING_DATABASE_URL", pair.billing_url, databases.role_secret, (schema,)))
    try:
        for database in (MONOLITH, BILLING):
            with pair.at(database).connect() as db:
                db.execute(_LEASE.read_bytes())
        with pair.at(MONOLITH).connect() as db:
            db.execute(_OWNER.read_bytes())
        with _replication(pair):
            yield pair
    finally:
        with psycopg.connect(databases.scheduling_admin_url, autocommit=True) as db:
            db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(f"{name}_billing")))


@contextmanager
def _replication(pair: BillingDatabases) -> Iterator[None]:
    """Subscribe each database to the other; `origin = none` keeps a replicated row from coming back."""
    subscription = f"billing_{pair.billing_url.rpartition('/')[2]}"
    directions = [(BILLING, MONOLITH, True), (MONOLITH, BILLING, False)]
    for target, source, copy in directions:
        with pair.at(target).connect() as db:
            db.execute(
                sql.SQL(
                    "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION billing"
                    # Otherwise rows are applied as the tables' owner, which forced row-level security stops.
                    " WITH (origin = none, copy_data = {}, run_as_owner = true, synchronous_commit = on,"
                    " slot_name = {})"
                ).format(
                    sql.Identifier(subscription),
                    sql.Literal(pair.at(source).admin_url),
                    sql.Literal(copy),
                    sql.Literal(f"{subscription}_{target}"),
                )
            )
    try:
        for target, _, _ in directions:
            eventually(partial(_is_ready, pair.at(target)), "the first copy")
        yield
    finally:
        for target, _, _ in directions:
            with pair.at(target).connect() as db:
                db.execute(sql.SQL("DROP SUBSCRIPTION {}").format(sql.Identifier(subscription)))


def _is_ready(database: BillingDatabase) -> bool:
    with database.connect() as db:
        states: list[Any] = db.execute("SELECT srsubstate FROM pg_subscription_rel").fetchall()
    return bool(states) and all(state == ("r",) for state in states)
