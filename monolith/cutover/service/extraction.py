"""The extraction as a whole: replication, its reversal, and its final step."""

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Final
from uuid import UUID

import psycopg

from contracts.scheduling.values import DatabaseName
from monolith.cutover import replication
from monolith.cutover.copies import discard_copies, served_by_others
from monolith.cutover.databases import DatabasePair, SchedulingDatabases
from monolith.cutover.finalize import finalize_extraction, owned_by, require_deletable, require_still_owned
from monolith.cutover.recovered import databases_in_doubt, require_recovered
from monolith.cutover.replication import CopyProgress, ReplicationRefused, ReplicationStatus
from monolith.cutover.service.cutovers import CutoverService, OnMoved
from monolith.cutover.service.errors import (
    BusinessesElsewhere,
    CutoverDatabaseUnavailable,
    DatabasesPaired,
    ExtractionFinalized,
    OperationInProgress,
    ReplicationStopIncomplete,
    UnknownDatabase,
)
from monolith.cutover.service.finalization import FinalizationMark
from monolith.cutover.service.flags import ShadowSetting
from monolith.cutover.service.requests import CutoverRequest, Selection
from monolith.cutover.store import registry
from monolith.cutover.store.operation_lock import OperationLocked, operation_lock
from monolith.cutover.store.servers import RecoveryRequired
from monolith.shared.database import DatabaseUnavailable

Between = tuple[DatabaseName, DatabaseName]
"""The names of two databases."""
EXTRACTION: Final[Between] = ("monolith", "scheduling")


class _LockUnreachable(CutoverDatabaseUnavailable):
    """The monolith's database, which has the lock of operations, is unreachable."""


class ExtractionService:
    """Starts, stops and ends the extraction. Use it from one thread."""

    def __init__(
        self,
        databases: Callable[[], SchedulingDatabases],
        cutovers: CutoverService,
        mark: FinalizationMark,
        shadow: ShadowSetting,
    ) -> None:
        self._databases, self._cutovers, self._mark, self._shadow = databases, cutovers, mark, shadow

    def start_replication(
        self,
        on_progress: Callable[[CopyProgress], None],
        *,
        actor: str,
        discard_copies: bool,
        allow_unbounded_wal: bool,
        after_finalize: bool = False,
        between: Between = EXTRACTION,
        businesses: Collection[UUID] | None = None,
    ) -> None:
        """Copy every business to the other database, then replicate both ways. Repeated, it continues where it stopped.

        With `businesses`, only these. Raises ExtractionFinalized for the monolith's database unless `after_finalize`,
        UnknownDatabase, DatabasesPaired, OperationInProgress, RecoveryRequired while either database waits for one, and
        ReplicationRefused, also if the databases replicate only other businesses.
        """
        involves_monolith = "monolith" in between
        with self._alone("replicate start", actor):
            if involves_monolith and not after_finalize and self._mark.is_set():
                raise ExtractionFinalized
            databases = self._databases()
            require_recovered(self._cutovers.controller.control_db, databases, self._pair(between).names)
            pair = self._paired(between, businesses)
            replication.start(
                pair,
                on_progress,
                owned_by_others=served_by_others(databases, pair.names),
                discard_copies=discard_copies,
                allow_unbounded_wal=allow_unbounded_wal,
            )
            if involves_monolith:
                self._mark.clear(actor)

    def begin_transfer(self, between: Between, businesses: Collection[UUID]) -> None:
        """Record that these businesses will be moved between two databases.

        Raises DatabasesPaired if one of them replicates, also with the other one: the list could not take effect.
        """
        if replication.is_replicating(self._pair(between)):
            raise DatabasesPaired(*between)
        self._paired(between, businesses)

    def replication_status(self) -> ReplicationStatus:
        """Return the status of every pair that replicates or cannot be read; of the extraction's pair if none does.

        Also which reachable databases wait for a recovery.
        """
        databases = self._databases()
        found = [replication.read_status(pair) for pair in databases.known_pairs]
        shown = [each for each in found if each.has_begun] or [replication.read_status(databases.extraction)]
        both = tuple(direction for each in shown for direction in each.directions)
        return ReplicationStatus(both, tuple(self._recoveries_required(databases)))

    def reconnect_replication(self) -> list[str]:
        """Give the subscriptions the current addresses and passwords; return the directions that have one.

        Raises CutoverDatabaseUnavailable.
        """
        try:
            return [each for pair in self._databases().pairs for each in replication.reconnect(pair)]
        except psycopg.OperationalError as error:
            raise CutoverDatabaseUnavailable(" ".join(str(error).split())) from error

    def require_only_extraction(self) -> None:
        """Raise DatabasesPaired while databases replicate that are not the extraction's pair."""
        for pair in self._databases().pairs:
            if pair.names != EXTRACTION and replication.is_replicating(pair):
                raise DatabasesPaired(*pair.names)

    def stop_replication(self, actor: str, between: Between = EXTRACTION) -> None:
        """End replication of two databases in both directions, and shadow reads after it; no data changes.

        Shadow reads continue unless the databases are those of the extraction. Also while one of the databases is
        unreachable. Raises UnknownDatabase, OperationInProgress, and ReplicationStopIncomplete, which names what is
        left; repeated, it ends that.
        """
        try:
            with self._alone("replicate stop", actor):
                self._stop(actor, between)
        except _LockUnreachable:
            # It deletes no rows, so it needs no lock.
            self._stop(actor, between)

    def _stop(self, actor: str, between: Between) -> None:
        pair = self._pair(between)
        problems = replication.stop(pair)
        if pair.names == EXTRACTION:
            try:
                self._shadow.turn_off(actor=actor, reason="replication was stopped")
            except DatabaseUnavailable:
                problems.append("shadow reads may still be on, because the monolith is unreachable: repeat the command")
        if problems:
            raise ReplicationStopIncomplete(problems)

    def reset(self, actor: str, reason: str, on_moved: OnMoved) -> None:
        """Move every business back to the monolith, stop replication, and delete the service's copies.

        Raises BusinessesElsewhere while a further database owns one, BatchStopped, with the flag as before, when a
        business cannot be moved, OperationInProgress, RecoveryRequired, and FinalizeRefused, with the copies kept,
        while a database is unreachable or when another operator moved a business in the meantime.
        """
        with self._alone("reset", actor):
            databases = self._databases()
            require_deletable(databases)
            elsewhere = self._cutovers.owned_by_others(EXTRACTION)
            if elsewhere:
                raise BusinessesElsewhere(len(elsewhere))
            self._cutovers.cut_over(CutoverRequest("monolith", actor, reason), Selection(), on_moved)
            owned_by(databases, "monolith", self._cutovers.describe)
            self._stop(actor, EXTRACTION)
            require_still_owned(databases, "monolith", self._cutovers.describe)
            discard_copies(databases, "scheduling", lambda line: None)

    def finalize(self, actor: str, say: Callable[[str], None]) -> int:
        """Complete the extraction, and return how many rows of copies were deleted. Audited.

        Raises FinalizeRefused while a business is owned by the monolith, is being moved, or differs, and while a
        database is unreachable; OperationInProgress, and RecoveryRequired.
        """
        with self._alone("finalize", actor):
            deleted = finalize_extraction(
                self._databases(), "scheduling", say, lambda: self._mark.set(actor), self._cutovers.describe
            )
        self._shadow.turn_off(actor=actor, reason="finalized")
        return deleted

    @contextmanager
    def _alone(self, operation: str, actor: str) -> Iterator[None]:
        """Refuse a second operator within the block. Raises OperationInProgress.

        Raises _LockUnreachable, before the block, while the monolith's database is unreachable.
        """
        databases = self._databases()
        try:
            control_db = databases.control_db()
        except psycopg.OperationalError as error:
            raise _LockUnreachable(f"{databases.monolith}: {' '.join(str(error).split())}") from error
        try:
            with closing(control_db), operation_lock(control_db, operation, actor):
                yield
        except OperationLocked as locked:
            raise OperationInProgress(locked.holder) from locked

    def _recoveries_required(self, databases: SchedulingDatabases) -> Iterator[str]:
        for name in sorted({name for pair in databases.known_pairs for name in pair.names}.union(EXTRACTION)):
            with suppress(psycopg.OperationalError):
                if databases_in_doubt(self._cutovers.controller.control_db, databases, (name,)):
                    yield str(RecoveryRequired(name))

    def _pair(self, between: Between) -> DatabasePair:
        """Return two databases as a pair. Raises UnknownDatabase."""
        databases = self._databases()
        if set(between) == set(EXTRACTION):
            # It needs no registry, which is in a database that may be unreachable.
            return databases.extraction
        try:
            return databases.pair(*between)
        except KeyError as error:
            raise UnknownDatabase(error.args[0]) from error

    def _paired(self, between: Between, businesses: Collection[UUID] | None) -> DatabasePair:
        """Make the two databases partners, in place of pairs that do not replicate. Raises DatabasesPaired."""
        databases, control_db = self._databases(), self._cutovers.controller.control_db
        pair = self._pair(between)
        if replication.is_replicating(pair):
            return self._running(pair, businesses)
        for name in between:
            partner = databases.partner_of(name)
            if partner is not None and partner not in between:
                if replication.is_replicating(databases.pair(name, partner)):
                    raise DatabasesPaired(name, partner)
                registry.end_pair(control_db, name, partner)
        try:
            registry.set_pair(control_db, *between, businesses)
        except registry.DatabasePaired as error:
            raise DatabasesPaired(error.name, error.partner) from error
        return replace(pair, businesses=None if businesses is None else frozenset(businesses))

    def _running(self, pair: DatabasePair, businesses: Collection[UUID] | None) -> DatabasePair:
        """Return the pair as it is recorded. Raises ReplicationRefused if it does not include all of the businesses."""
        entries = {each.name: each for each in registry.read_entries(self._cutovers.controller.control_db)}
        recorded = entries[pair.one.name].businesses
        if recorded is not None and (businesses is None or not set(businesses) <= set(recorded)):
            raise ReplicationRefused(
                f"{pair.one.name} and {pair.other.name} replicate already, but only some other businesses",
                f"run `extraction replicate stop --between {pair.one.name} {pair.other.name}` first",
            )
        return replace(pair, businesses=None if recorded is None else frozenset(recorded))
