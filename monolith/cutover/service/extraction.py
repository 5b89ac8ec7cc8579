"""The extraction as a whole: replication, its reversal, and its final step."""

from collections.abc import Callable

import psycopg

from monolith.cutover import replication
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.finalize import discard_copies, finalize_extraction
from monolith.cutover.replication import CopyProgress, ReplicationStatus
from monolith.cutover.service.cutovers import CutoverService, OnMoved
from monolith.cutover.service.errors import CutoverDatabaseUnavailable, ExtractionFinalized, ReplicationStopIncomplete
from monolith.cutover.service.finalization import FinalizationMark
from monolith.cutover.service.flags import ShadowSetting
from monolith.cutover.service.requests import CutoverRequest, Selection
from monolith.shared.database import DatabaseUnavailable


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
    ) -> None:
        """Copy every business to the other database, then replicate both ways. Repeated, it continues where it stopped.

        Raises ExtractionFinalized unless `after_finalize`, and ReplicationRefused.
        """
        if not after_finalize and self._mark.is_set():
            raise ExtractionFinalized
        replication.start(
            self._databases().extraction,
            on_progress,
            discard_copies=discard_copies,
            allow_unbounded_wal=allow_unbounded_wal,
        )
        self._mark.clear(actor)

    def replication_status(self) -> ReplicationStatus:
        return replication.read_status(self._databases().extraction)

    def reconnect_replication(self) -> list[str]:
        """Give the subscriptions the current addresses and passwords; return the directions that have one.

        Raises CutoverDatabaseUnavailable.
        """
        try:
            return replication.reconnect(self._databases().extraction)
        except psycopg.OperationalError as error:
            raise CutoverDatabaseUnavailable(" ".join(str(error).split())) from error

    def stop_replication(self, actor: str) -> None:
        """End replication in both directions, and shadow reads after it; no data changes.

        Also while one of the databases is unreachable. Raises ReplicationStopIncomplete, which names what is left;
        repeated, it ends that.
        """
        problems = replication.stop(self._databases().extraction)
        try:
            self._shadow.turn_off(actor=actor, reason="replication was stopped")
        except DatabaseUnavailable:
            problems.append("shadow reads may still be on, because the monolith is unreachable: repeat the command")
        if problems:
            raise ReplicationStopIncomplete(problems)

    def reset(self, actor: str, reason: str, on_moved: OnMoved) -> None:
        """Move every business back to the monolith, stop replication, and delete the service's copies.

        Raises BatchStopped, with the flag as before, when a business cannot be moved.
        """
        self._cutovers.cut_over(CutoverRequest("monolith", actor, reason), Selection(), on_moved)
        self.stop_replication(actor)
        discard_copies(self._databases(), "scheduling", lambda line: None)

    def finalize(self, actor: str, say: Callable[[str], None]) -> int:
        """Complete the extraction, and return how many rows of copies were deleted. Audited.

        Raises FinalizeRefused while a business is owned by the monolith, is being moved, or differs.
        """
        deleted = finalize_extraction(self._databases(), "scheduling", say, lambda: self._mark.set(actor))
        self._shadow.turn_off(actor=actor, reason="finalized")
        return deleted
