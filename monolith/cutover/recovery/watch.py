"""Notice that a database was restored or a standby promoted, and fence the other side too."""

import logging
from collections.abc import Callable, Mapping
from typing import Literal

import psycopg

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import Connection, SchedulingDatabases
from monolith.cutover.metrics.daemon_metrics import DaemonMetrics
from monolith.cutover.recovery.applying import apply_plan
from monolith.cutover.recovery.evidence import RowComparison, read_evidence
from monolith.cutover.recovery.plan import lost_nothing, make_plan
from monolith.cutover.store import servers
from scheduling_service.engine import lease as leases

log = logging.getLogger(__name__)

ACTOR = "cutover daemon"
_NOT_COMPARED = RowComparison(equal=True, lost=0, example="")

State = Literal["confirmed", "replaced", "void"]
"""replaced: by another incarnation, not compared yet. void: a lease waits for an operator's choice."""


class RecoveryWatch:
    """Call `step` repeatedly from one thread. It never raises for an unreachable database.

    A restored database refuses writes without this watch, because its leases are void. The watch voids those of the
    other database too: what the restored side lost may concern any business.

    With `confirms` it ends the fence itself if it saw, at its last look at the former server, that commits waited for
    a standby, and if leases and decisions agree. Both are needed: a decision that an asynchronous standby lost leaves
    no trace in the leases until the lease of the new owner is activated.
    """

    def __init__(
        self, databases: SchedulingDatabases, metrics: DaemonMetrics | None = None, *, confirms: bool = False
    ) -> None:
        self._databases = databases
        self._confirms = confirms
        self._metrics = metrics
        self._open: dict[str, Connection] = {}
        self._waited: dict[DatabaseName, bool] = {}
        """Whether commits waited for a standby when the confirmed server of this name was last seen."""
        self._refused = ""
        self._last: Mapping[DatabaseName, State] = dict.fromkeys(databases.extraction.names, "confirmed")

    def step(self) -> None:
        """Compare both servers with the record, and fence every business if one was replaced.

        Fences nothing while a recovery is in progress, nor while the record cannot be read.
        """
        try:
            control_db = self._connection("record", self._databases.control_db)
            found = self._compare(control_db)
            if "replaced" in found.values():
                self._compare_again(control_db)
            else:
                self._last = found
        except psycopg.Error:
            self.close()
        if self._metrics is not None:
            for name, state in self._last.items():
                self._metrics.recovery_required(name, state != "confirmed")

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open = {}

    def _compare(self, control_db: Connection) -> Mapping[DatabaseName, State]:
        known = servers.known_servers(control_db)
        return {name: self._read_state(name, known.get(name)) for name in self._databases.names}

    def _compare_again(self, control_db: Connection) -> None:
        """Compare under the lock, since a recovery may have confirmed the server before; then act on the result."""
        with servers.recovery_lock(control_db) as held:
            if held:
                self._handle(control_db, self._compare(control_db))

    def _handle(self, control_db: Connection, found: Mapping[DatabaseName, State]) -> None:
        replaced = frozenset(name for name, state in found.items() if state == "replaced")
        if replaced:
            self._void(replaced)
        self._last = found
        if replaced and self._confirms:
            self._confirm(control_db, replaced)

    def _confirm(self, control_db: Connection, replaced: frozenset[DatabaseName]) -> None:
        doubt = self._doubt(replaced)
        if doubt:
            self._refuse(doubt)
            return
        evidence = read_evidence(control_db, self._databases, self._at)
        plan = make_plan(evidence, lambda *which: _NOT_COMPARED, {})
        if not lost_nothing(evidence, plan):
            self._refuse("leases and decisions disagree")
            return
        apply_plan(control_db, self._at, evidence, plan, actor=ACTOR, reason="failover to a synchronous standby")
        self._last, self._refused = dict.fromkeys(evidence.servers, "confirmed"), ""
        log.warning("the failover was confirmed: leases and decisions agree, and businesses are written again")

    def _doubt(self, replaced: frozenset[DatabaseName]) -> str:
        """Return why a decision may be lost, whatever leases and decisions say; empty if none can be."""
        for name in sorted(replaced):
            if name not in self._waited:
                return f"this process did not see the {name} server before it was replaced"
            if not self._waited[name]:
                return f"commits of the {name} server did not wait for a standby (synchronous_standby_names is empty)"
        return ""

    def _refuse(self, reason: str) -> None:
        if reason != self._refused:
            log.error("the failover is not confirmed, because %s: run `extraction recover`", reason)
        self._refused = reason

    def _at(self, name: DatabaseName) -> Connection:
        return self._connection(name, self._databases.at(name).connect)

    def _read_state(self, name: DatabaseName, known: str | None) -> State:
        """Return the state of a database; as before if it does not answer."""
        try:
            db = self._at(name)
            validity = leases.read_validity(db)
            waits = self._confirms and servers.commits_wait_for_a_standby(db)
        except psycopg.Error:
            return self._last.get(name, "confirmed")
        if validity.foreign or (known is not None and known != validity.incarnation):
            return "replaced"
        self._waited[name] = waits
        return "void" if validity.void else "confirmed"

    def _void(self, replaced: frozenset[DatabaseName]) -> None:
        if any(self._last.get(name) != "replaced" for name in replaced):
            log.error(
                "the %s database was restored or failed over: no business is written until `extraction recover`",
                " and the ".join(sorted(replaced)),
            )
        for name in self._databases.names:
            try:
                void_leases(self._databases, name)
            except psycopg.Error as error:
                log.warning("the leases of the %s database could not be voided: %s", name, " ".join(str(error).split()))

    def _connection(self, name: str, connect: Callable[[], Connection]) -> Connection:
        found = self._open.get(name)
        if found is None or found.closed or found.broken:
            found = self._open[name] = connect()
        return found


def void_everywhere(databases: SchedulingDatabases) -> None:
    """Fence every business in every database until a recovery. Waits for open writes. Raises psycopg.Error."""
    for name in databases.names:
        void_leases(databases, name)


def void_leases(databases: SchedulingDatabases, name: DatabaseName) -> None:
    """Fence every business in one database. Raises psycopg.Error."""
    with databases.at(name).connect(statement_seconds=0.0) as db:
        leases.void_all(db)
