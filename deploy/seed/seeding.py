"""Fill the databases with all of a plan, or roll back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from argon2 import PasswordHasher

from deploy.databases.schemas import Target
from deploy.databases.set_up import connect
from deploy.seed.business import SeededBusiness
from deploy.seed.checks import require_ready, require_sound
from deploy.seed.copying import Connection, copy_accounts, copy_bookings, copy_catalog, drop_slow_indexes
from deploy.seed.plan import SeedPlan
from monolith.modules.auth.passwords import Argon2Parameters

Say = Callable[[str], None]
REPORT_SECONDS = 2.0
_TIMEOUTS = "SET statement_timeout = 0; SET lock_timeout = '10s'; SET synchronous_commit = on"
_MEMORY = "SET LOCAL maintenance_work_mem = '1GB'; SET LOCAL work_mem = '256MB'"


def seed(plan: SeedPlan, monolith: Target, scheduling: Target, *, password: str, say: Say) -> None:
    """Fill both databases. `scheduling` is the plan's database: the monolith's own, or the service's.

    Raises CommandError after rolling back.
    """
    require_ready(plan, monolith, scheduling)
    with _administrators(monolith, scheduling) as (accounts, bookings):
        with bookings.transaction():
            _fill(plan, bookings, say)
            with accounts.transaction():
                _seed_accounts(plan, accounts, password)
        say("updating statistics and the visibility map")
        bookings.execute("VACUUM (ANALYZE) scheduling.appointment, scheduling.claim, scheduling.history")


def _fill(plan: SeedPlan, bookings: Connection, say: Say) -> None:
    bookings.execute(_MEMORY)
    bookings.execute("SET LOCAL session_replication_role = replica")
    businesses = [SeededBusiness(plan, index) for index in range(plan.businesses)]
    create_again = list(drop_slow_indexes(bookings))
    copy_catalog(bookings, businesses)
    copy_bookings(bookings, businesses, SeedProgress(plan.appointments, say).add)
    bookings.execute("SET LOCAL session_replication_role = origin")
    for number, statement in enumerate(create_again, 1):
        say(f"creating index {number} of {len(create_again)}")
        bookings.execute(statement)
    say("checking that the product could have written every row")
    bookings.execute("ANALYZE scheduling.appointment, scheduling.claim, scheduling.history")
    require_sound(bookings, [business.business_id for business in businesses])


def _seed_accounts(plan: SeedPlan, accounts: Connection, password: str) -> None:
    rules = Argon2Parameters()
    hasher = PasswordHasher(time_cost=rules.passes, memory_cost=rules.memory_kib, parallelism=rules.lanes)
    businesses = [SeededBusiness(plan, index) for index in range(plan.businesses)]
    copy_accounts(accounts, businesses, plan.adapter, hasher.hash(password))


@contextmanager
def _administrators(monolith: Target, scheduling: Target) -> Iterator[tuple[Connection, Connection]]:
    with connect(scheduling) as bookings:
        bookings.execute(_TIMEOUTS)
        if monolith.url == scheduling.url:
            yield bookings, bookings
            return
        with connect(monolith) as accounts:
            accounts.execute(_TIMEOUTS)
            yield accounts, bookings


@dataclass
class SeedProgress:
    """Reports the progress of a seeding at intervals."""

    total: int
    say: Say
    done: int = 0
    began: float = field(default_factory=time.monotonic)
    reported_at: float = field(default_factory=time.monotonic)

    def add(self, count: int) -> None:
        """Add copied appointments, and report at intervals."""
        self.done += count
        now = time.monotonic()
        if self.done < self.total and now - self.reported_at < REPORT_SECONDS:
            return
        self.reported_at = now
        rate = self.done / max(now - self.began, 1e-9)
        left = (self.total - self.done) / rate
        self.say(f"{self.done:,} of {self.total:,} appointments, {rate:,.0f}/s, {left:.0f} s left")
