"""Actions of a rehearsal on the site: replicate, move the business, wait until everything is settled, compare."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from contracts.scheduling.values import DatabaseName
from deploy.errors import CommandError
from deploy.ha.patroni import PatroniMember, wait_until
from loadtests.harness.cutovers import cut_over_to_other, owner_of, unguarded_controller
from loadtests.harness.tenants import SeededTenant
from loadtests.rehearsal.servers import RehearsalServers
from monolith.cutover import failpoints, replication
from monolith.cutover.replication import CopyProgress, ReplicationRefused
from monolith.cutover.store import cutovers
from monolith.cutover.store.servers import RecoveryRequired
from monolith.cutover.verification import check_invariants, compare
from scheduling_service.engine import lease as leases

Report = Callable[[CopyProgress], None]

SETTLE_SECONDS = 120.0
FENCE_SECONDS = 5.0
MAX_LAG_BYTES = 10_000_000


class RehearsedSite:
    """The running site, with one business under traffic. Use it from the main thread, which starts its servers."""

    def __init__(self, servers: RehearsalServers, tenant: SeededTenant) -> None:
        self.servers = servers
        self.tenant = tenant
        self.databases = servers.databases
        self.copied_again = False
        """Whether replication had to begin with a new first copy since the last case."""

    @property
    def business_id(self) -> Any:
        return self.tenant.business.business_id

    @property
    def owner(self) -> DatabaseName:
        return owner_of(self.databases, self.business_id)

    def kill_postgres(self, deployment: str) -> PatroniMember:
        """Kill Postgres of the leader, and return the member."""
        member = self.servers.leader(deployment)
        member.kill_postgres()
        return member

    def replicate(self, on_progress: Report = lambda progress: None, *, discard_copies: bool = False) -> None:
        """Replicate both ways. What a failover interrupts is repeated, if necessary with a new first copy."""

        def attempt() -> bool:
            discard = discard_copies or self.copied_again
            try:
                replication.start(self.databases.extraction, on_progress, discard_copies=discard)
                return self._slots_exist()
            except ReplicationRefused:
                self._begin_again()
            except psycopg.Error:
                pass
            return False

        wait_until(attempt, "replication has started", SETTLE_SECONDS)
        self.wait_until_protected()

    def move_to(self, database: DatabaseName) -> None:
        """Move the business unless this database owns it. Raises CommandError."""
        if self.owner != database:
            with unguarded_controller(self.databases) as controller:
                cut_over_to_other(
                    controller,
                    self.business_id,
                    self.owner,
                    fence_seconds=FENCE_SECONDS,
                    actor="rehearsal",
                    reason="before a fault",
                )

    def cut_over(self, reach: str, act: Callable[[], object]) -> str:
        """Move the business to the other database, and call `act` at the failpoint; return the cutover's state.

        Raises CommandError if the cutover does not reach the failpoint.
        """
        source, done = self.owner, threading.Event()

        def hook(name: str) -> None:
            if name == reach and not done.is_set():
                done.set()
                act()

        failpoints.hook = hook
        try:
            with unguarded_controller(self.databases) as controller:
                cutover = controller.cut_over(
                    self.business_id,
                    source,
                    self.databases.extraction.partner_of(source),
                    fence_seconds=FENCE_SECONDS,
                    actor="rehearsal",
                    reason="a failover",
                )
        except (psycopg.Error, RecoveryRequired):
            wait_until(self._all_settled, "the cutover is settled", SETTLE_SECONDS)
            with self.databases.control_db() as control_db:
                return f"{cutovers.latest(control_db, 1, self.business_id)[0].state}, settled by the daemon"
        finally:
            failpoints.hook = None
        if not done.is_set():
            raise CommandError(f"the cutover did not reach {reach!r}: {cutover.problem}")
        return str(cutover.state)

    def settle(self) -> None:
        """Return when every server is back, every cutover settled, and both databases hold the same.

        Raises CommandError if that does not happen in time.
        """
        for cluster in self.servers.clusters.values():
            wait_until(lambda: cluster.is_complete, f"{cluster.name} is complete", SETTLE_SECONDS)  # noqa: B023
        wait_until(self._all_settled, "every cutover is settled", SETTLE_SECONDS)
        wait_until(self._is_replicated, "both directions stream", SETTLE_SECONDS)
        self._require_one_owner()

    def wait_until_protected(self) -> None:
        """Return when every member of each cluster has its slots, so that replication survives any failover now.

        Raises CommandError, which lists what each member lacks.
        """
        for deployment, cluster in self.servers.clusters.items():
            try:
                wait_until(
                    lambda: not cluster.unprotected(deployment),  # noqa: B023
                    f"the slots of {deployment} are on its standbys",
                    SETTLE_SECONDS,
                )
            except CommandError as error:
                raise CommandError(f"{error}: {'; '.join(cluster.unprotected(deployment))}") from error

    def _slots_exist(self) -> bool:
        problems = self._problems()
        if any(" is gone: " in each or " is lost: " in each for each in problems):
            self._begin_again()
            return False
        return True

    def _begin_again(self) -> None:
        """Drop the replication; the next start deletes the copies and copies them again."""
        self.copied_again = True
        replication.stop(self.databases.extraction)

    def _is_replicated(self) -> bool:
        if not self._slots_exist():
            self.replicate()
        return not self._problems()

    def _problems(self) -> list[str]:
        return replication.find_problems(self.databases.extraction, max_lag_bytes=MAX_LAG_BYTES)

    def _all_settled(self) -> bool:
        try:
            with self.databases.control_db() as control_db:
                return not cutovers.unsettled(control_db, self.business_id)
        except psycopg.Error:
            return False

    def _require_one_owner(self) -> None:
        with self.databases.monolith.connect() as one, self.databases.scheduling.connect() as another:
            found = {
                "monolith": leases.read_lease(one, self.business_id),
                "scheduling": leases.read_lease(another, self.business_id),
            }
            active = [name for name, lease in found.items() if lease is not None and lease.active]
            if active != [self.owner]:
                raise CommandError(f"the owner is {self.owner}, and the active leases are those of {active}")
            here, there = (one, another) if self.owner == "monolith" else (another, one)
            findings = compare(here, there, self.business_id, settle_seconds=30.0)
            broken = check_invariants(here, self.business_id)
        if not findings.equal or broken:
            raise CommandError(f"the databases differ: {findings.differences} {broken}")


class OwnerWatch:
    """Reads both leases all the time. `samples` counts the readings of both, `doubled` those with two owners."""

    def __init__(self, site: RehearsedSite) -> None:
        self._site = site
        self._stopped = threading.Event()
        self.samples = self.doubled = 0

    @contextmanager
    def running(self) -> Iterator["OwnerWatch"]:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join(30)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._read()
            except psycopg.Error:
                self._stopped.wait(0.2)

    def _read(self) -> None:
        business_id, pair = self._site.business_id, self._site.databases
        with pair.monolith.connect(statement_seconds=2.0) as one, pair.scheduling.connect(statement_seconds=2.0) as two:
            while not self._stopped.wait(0.02):
                # Two databases have no common clock: a lease that is active before and after the other was read counts.
                found = [leases.read_lease(db, business_id) for db in (one, two, one)]
                self.samples += 1
                self.doubled += all(lease is not None and lease.active for lease in found)
