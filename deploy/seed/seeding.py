"""Fill the databases: all of a plan, or nothing."""

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
SAID_EVERY_SECONDS = 2.0
_PATIENCE = "SET statement_timeout = 0; SET lock_timeout = '10s'; SET synchronous_commit = on"
_ROOM = "SET LOCAL maintenance_work_mem = '1GB'; SET LOCAL work_mem = '256MB'"


def seed(plan: SeedPlan, monolith: Target, scheduling: Target, *, password: str, say: Say) -> None:
    """`scheduling` is the database that the plan's side runs on: the monolith's own, or the service's.

    Raises CommandError; nothing has been kept then.
    """
    require_ready(plan, monolith, scheduling)
    with _administrators(monolith, scheduling) as (people, bookings):
        with bookings.transaction():
            _fill(plan, bookings, say)
            with people.transaction():
                _people(plan, people, password)
        say("tidying up: statistics, visibility")
        bookings.execute("VACUUM (ANALYZE) scheduling.appointment, scheduling.claim, scheduling.history")


def _fill(plan: SeedPlan, bookings: Connection, say: Say) -> None:
    bookings.execute(_ROOM)
    bookings.execute("SET LOCAL session_replication_role = replica")
    businesses = [SeededBusiness(plan, index) for index in range(plan.businesses)]
    again = list(drop_slow_indexes(bookings))
    copy_catalog(bookings, businesses)
    copy_bookings(bookings, businesses, SeedProgress(plan.appointments, say).more)
    bookings.execute("SET LOCAL session_replication_role = origin")
    for number, statement in enumerate(again, 1):
        say(f"making index {number} of {len(again)}")
        bookings.execute(statement)
    say("proving that every row is one that the product could have written")
    bookings.execute("ANALYZE scheduling.appointment, scheduling.claim, scheduling.history")
    require_sound(bookings, [business.business_id for business in businesses])


def _people(plan: SeedPlan, people: Connection, password: str) -> None:
    rules = Argon2Parameters()
    hasher = PasswordHasher(time_cost=rules.passes, memory_cost=rules.memory_kib, parallelism=rules.lanes)
    businesses = [SeededBusiness(plan, index) for index in range(plan.businesses)]
    copy_accounts(people, businesses, plan.side, hasher.hash(password))


@contextmanager
def _administrators(monolith: Target, scheduling: Target) -> Iterator[tuple[Connection, Connection]]:
    with connect(scheduling) as bookings:
        bookings.execute(_PATIENCE)
        if monolith.url == scheduling.url:
            yield bookings, bookings
            return
        with connect(monolith) as people:
            people.execute(_PATIENCE)
            yield people, bookings


@dataclass
class SeedProgress:
    """Says how far a seeding is, now and then."""

    wanted: int
    say: Say
    done: int = 0
    began: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)

    def more(self, count: int) -> None:
        """So many more appointments are copied."""
        self.done += count
        now = time.monotonic()
        if self.done < self.wanted and now - self.said < SAID_EVERY_SECONDS:
            return
        self.said = now
        rate = self.done / max(now - self.began, 1e-9)
        left = (self.wanted - self.done) / rate
        self.say(f"{self.done:,} of {self.wanted:,} appointments, {rate:,.0f}/s, {left:.0f} s left")
