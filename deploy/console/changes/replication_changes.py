"""Changes of replication: start, stop, and reset the extraction."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from deploy.console.changes.change import Fact, OperatorChange, Preview, Report, Who
from monolith.cutover.replication import CopyProgress
from monolith.cutover.service import ControlPlane
from monolith.cutover.service.wording import describe_move
from monolith.shared.flags.store import AuditEntry


class _OfReplication(OperatorChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    page: ClassVar[str] = "ops.replication"

    @property
    def subject(self) -> str:
        return "replication"

    def latest_entries(self, plane: ControlPlane) -> Sequence[AuditEntry]:
        return plane.audit.changes(5, key="replication")


class StartReplication(_OfReplication, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Copy every business to the other database, then replicate in both directions."""

    kind: ClassVar[str] = "start-replication"
    title: ClassVar[str] = "Start replication"
    button: ClassVar[str] = "Start it"
    withdrawal: ClassVar[str] = "Stops after the step under way; start replication again to continue."
    options: ClassVar[Mapping[str, str]] = {
        "discard_copies": "Delete old copies first, which an earlier replication left (--discard-copies)",
        "allow_unbounded_wal": "Start also if a server keeps WAL without a limit (--allow-unbounded-wal)",
    }

    discard_copies: bool = False
    allow_unbounded_wal: bool = False

    def preview(self, plane: ControlPlane) -> Preview:
        subscribed = _subscribed(plane)
        option = (" --discard-copies" if self.discard_copies else "") + (
            " --allow-unbounded-wal" if self.allow_unbounded_wal else ""
        )
        return Preview(
            sentence="Every business is copied to the other database while it is in use; then both databases follow "
            "each other. Nothing moves by that. Repeated, it continues where it stopped.",
            command=f"extraction replicate start{option}",
            expected=subscribed,
            facts=(Fact("now", subscribed),),
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        reported = dict[str, int]()

        def progress(copied: CopyProgress) -> None:
            if reported.get(copied.direction) != copied.tables_ready:
                reported[copied.direction] = copied.tables_ready
                report(f"{copied.direction}: {copied.tables_ready} of {copied.tables} tables, {copied.rows:,} rows")

        plane.extraction.start_replication(
            progress,
            actor=who.actor,
            discard_copies=self.discard_copies,
            allow_unbounded_wal=self.allow_unbounded_wal,
        )
        return "both databases hold every business; replication runs in both directions"


class StopReplication(_OfReplication, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End replication in both directions. No data changes."""

    kind: ClassVar[str] = "stop-replication"
    title: ClassVar[str] = "Stop replication"
    button: ClassVar[str] = "Stop it"
    is_dangerous: ClassVar[bool] = True

    def preview(self, plane: ControlPlane) -> Preview:
        subscribed = _subscribed(plane)
        return Preview(
            sentence="No business can be moved, in either direction, until replication is started again with a new "
            "first copy. No data of any business changes.",
            command="extraction replicate stop",
            expected=subscribed,
            facts=(Fact("now", subscribed),),
            refused=None if "running" in subscribed else "Replication does not run.",
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        plane.extraction.stop_replication(who.actor)
        return "replication has stopped in both directions"


class ResetExtraction(_OfReplication, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Move every business back to the monolith, end replication, and delete the service's copies."""

    kind: ClassVar[str] = "reset"
    title: ClassVar[str] = "Undo the extraction"
    button: ClassVar[str] = "Undo it"
    is_dangerous: ClassVar[bool] = True

    def preview(self, plane: ControlPlane) -> Preview:
        owners, subscribed = plane.directory.owners().values(), _subscribed(plane)
        moved = sum(each.owner == "scheduling" for each in owners)
        return Preview(
            sentence="Every business moves back to the monolith while it is in use; then replication ends, and the "
            "service's copies are deleted. No data of any business is lost.",
            command="extraction reset",
            expected=f"{subscribed}, {moved} in scheduling",
            facts=(Fact("businesses that move", str(moved)), Fact("replication", subscribed)),
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        plane.extraction.reset(who.actor, who.reason, lambda slug, cutover: report(f"{slug}: {describe_move(cutover)}"))
        return "every business is in the monolith; nothing is replicated, and the service holds no copies"


def _subscribed(plane: ControlPlane) -> str:
    directions = plane.extraction.replication_status().directions
    running = [each.direction for each in directions if each.subscribed]
    return f"running {', '.join(running)}" if running else "not started"
