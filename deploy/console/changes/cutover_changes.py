"""Cutovers: move one business or many, abort, resume, and compare."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Annotated, ClassVar
from uuid import UUID

import psycopg
from msgspec import Meta

from contracts.scheduling.values import DatabaseName
from deploy.console.changes.change import Fact, OperatorChange, Preview, Report, Slug, Who, audited_business
from monolith.cutover.batches import within_percent
from monolith.cutover.rollback.thresholds import RollbackThresholds
from monolith.cutover.scheduling_flag import requesting
from monolith.cutover.service import ControlPlane, CutoverRequest, RollbackRequest, Selection, write_pause_ms
from monolith.cutover.service.wording import describe_move, describe_outcome
from monolith.cutover.states import ABORTABLE
from monolith.cutover.store import cutovers
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.store.verifications import latest_verifications
from monolith.cutover.wording import count_of
from monolith.modules.scheduling.ownership import Ownership
from monolith.shared.endpoints import BusinessRef
from monolith.shared.flags.store import AuditEntry
from scheduling_service.engine.lease import describe_writers

_REHEARSED = 20


class _Move(OperatorChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a move of one business or of many."""

    target: DatabaseName
    dry_run: bool = False
    fence_seconds: Annotated[float, Meta(ge=0.1, le=30)] = 2.0
    guard: bool = False
    guard_errors: Annotated[float, Meta(ge=0, le=99)] = 5.0
    guard_p95_ms: Annotated[float, Meta(ge=1, le=600_000)] = 500.0
    guard_for: Annotated[float, Meta(ge=3, le=600)] = 10.0
    guard_minutes: Annotated[float, Meta(ge=0.1, le=1440)] = 15.0

    @property
    def heading(self) -> str:
        return f"{self.title}: dry run" if self.dry_run else self.title

    def _options(self) -> str:
        """Return the options of the command line that are not at their defaults."""
        guard = " --guard" if self.guard else ""
        return (" --dry-run" if self.dry_run else "") + guard

    def _request(self, who: Who, batch_size: int = 1) -> CutoverRequest:
        thresholds = RollbackThresholds(self.guard_errors / 100, self.guard_p95_ms, self.guard_for)
        rollback = RollbackRequest(thresholds, self.guard_minutes * 60) if self.guard else None
        return CutoverRequest(self.target, who.actor, who.reason, batch_size, self.fence_seconds, rollback)

    def _rehearse(self, plane: ControlPlane, who: Who, selection: Selection, report: Report) -> str:
        pauses = list[float]()
        for each in plane.cutovers.rehearse(self._request(who), selection):
            pauses.append(each.pause_ms)
            report(f"{each.slug}: ready to move to {self.target}; writes would wait about {each.pause_ms:.0f} ms")
        longest = max(pauses, default=0.0)
        return f"{count_of(len(pauses))} rehearsed and nothing moved; writes would wait about {longest:.0f} ms at most"


class MoveBusiness(_Move, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Move one business to the other database, while it is in use."""

    kind: ClassVar[str] = "move-business"
    title: ClassVar[str] = "Move a business"
    button: ClassVar[str] = "Move it"
    withdrawal: ClassVar[str] = "Before it begins only: a cutover under way is aborted on the page of its business."

    slug: Slug

    @property
    def subject(self) -> str:
        return f"business {self.slug}"

    def preview(self, plane: ControlPlane) -> Preview:
        plane.databases.require(self.target)
        business = plane.directory.find(self.slug)
        owned = plane.directory.owners().get(business.business_id)
        refused = None
        if owned is None:
            refused = f"{self.slug} is not open yet."
        elif owned.owner == self.target:
            refused = f"{self.slug} is owned by {self.target} already."
        sentence = (
            f"Every check of a move of {self.slug} to {self.target} runs, and nothing moves. No write waits."
            if self.dry_run
            else f"{self.slug} moves to {self.target}. It stays in use: only its writes wait, for at most "
            f"{self.fence_seconds:g} s."
        )
        return Preview(
            sentence=sentence,
            command=f"extraction flag set {requesting(self.target)} --business {self.slug}{self._options()} --reason …",
            expected="unowned" if owned is None else f"{owned.owner} epoch {owned.epoch}",
            facts=tuple(_facts(plane, business, None if owned is None else owned.owner)),
            checks=tuple(plane.checks.run(self.target, business)),
            refused=refused,
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        selection = Selection(self.slug)
        if self.dry_run:
            return self._rehearse(plane, who, selection, report)
        moved = list[Cutover]()
        plane.cutovers.cut_over(self._request(who), selection, lambda _, cutover: moved.append(cutover))
        if not moved:
            return f"{self.slug} is owned by {self.target} already; nothing to do"
        return f"{self.slug}: {describe_move(moved[0])}"

    def audit_subject(self, plane: ControlPlane) -> str:
        return audited_business(plane, self.slug)

    def latest_entries(self, plane: ControlPlane) -> Sequence[AuditEntry]:
        return plane.audit.changes(5, business_id=plane.directory.find(self.slug).business_id)


class MoveMany(_Move, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Move a stable share of the businesses, in batches; the first failure stops the rest. To resume, repeat it."""

    kind: ClassVar[str] = "move-many"
    title: ClassVar[str] = "Move many businesses"
    button: ClassVar[str] = "Move them"
    withdrawal: ClassVar[str] = "Stops before the next business; completed cutovers are kept."

    percent: Annotated[float, Meta(gt=0, le=100)] = 100.0
    batch: Annotated[int, Meta(ge=1, le=1000)] = 10

    @property
    def subject(self) -> str:
        return "every business"

    def preview(self, plane: ControlPlane) -> Preview:
        plane.databases.require(self.target)
        selected = plane.cutovers.select(self.target, self._selection())
        owners = plane.directory.owners()
        share = "" if self.percent == 100 else f" --percent {self.percent:g}"
        option = f" --all{share} --batch {self.batch}{self._options()}"
        names = ", ".join(each.slug for each in selected[:8]) + (" and others" if len(selected) > 8 else "")
        return Preview(
            sentence=self._sentence(len(selected)),
            command=f"extraction flag set {requesting(self.target)}{option} --reason …",
            expected=f"{len(owners)} owners, epochs {sum(each.epoch for each in owners.values())}",
            facts=(
                Fact("businesses that move", f"{len(selected)} of {len(owners)}"),
                Fact("which", names or "none"),
                Fact(f"owned by {self.target} already", self._already(plane, owners)),
                Fact("rows", f"{_rows(plane, selected):,} at the latest comparisons"),
                Fact("pause of each", _pause(plane)),
            ),
            checks=tuple(plane.checks.run(self.target)),
            refused=None if selected else f"Every selected business is owned by {self.target} already.",
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        if self.dry_run:
            return self._rehearse(plane, who, self._selection(), report)
        done = plane.cutovers.cut_over(
            self._request(who, self.batch),
            self._selection(),
            lambda slug, cutover: report(f"{slug}: {describe_move(cutover)}"),
        )
        return f"{count_of(done.moved)} moved to {self.target} and compared"

    def _sentence(self, selected: int) -> str:
        verb = "moves" if selected == 1 else "move"
        if self.dry_run:
            each = f"Every check of a move of {count_of(selected)} to {self.target} runs, one business after the other"
            return f"{each}, and nothing moves. The first failure stops the rest."
        default = "" if self.percent < 100 else " New businesses follow: the default changes at the end."
        return (
            f"{count_of(selected)} {verb} to {self.target}; after each {self.batch}, both databases are compared. The "
            f"first failure stops the rest.{default}"
        )

    def _already(self, plane: ControlPlane, owners: Mapping[UUID, Ownership]) -> str:
        there = sum(each.owner == self.target for each in owners.values())
        share = sum(within_percent(each.business_id, self.percent) for each in plane.directory.owned_by(self.target))
        return f"{share} of the {self.percent:g} %; {there} of all"

    def _selection(self) -> Selection:
        return Selection(percent=None if self.percent == 100 else self.percent)


class _OfCutover(OperatorChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of the cutover of one business that is under way."""

    slug: Slug

    @property
    def subject(self) -> str:
        return f"business {self.slug}"

    def _under_way(self, plane: ControlPlane) -> Cutover | None:
        business = plane.directory.find(self.slug)
        found = cutovers.unsettled(plane.cutovers.controller.control_db, business.business_id)
        return found[0] if found else None

    def audit_subject(self, plane: ControlPlane) -> str:
        return audited_business(plane, self.slug)

    def latest_entries(self, plane: ControlPlane) -> Sequence[AuditEntry]:
        return plane.audit.changes(5, business_id=plane.directory.find(self.slug).business_id)


class AbortCutover(_OfCutover, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Abort the cutover of a business before its decision: it stays where it is."""

    kind: ClassVar[str] = "abort-cutover"
    title: ClassVar[str] = "Abort a cutover"
    button: ClassVar[str] = "Abort it"
    is_dangerous: ClassVar[bool] = True

    def preview(self, plane: ControlPlane) -> Preview:
        found = self._under_way(plane)
        refused, source = None, "its database" if found is None else found.source
        if found is None:
            refused = f"{self.slug} is not being moved."
        elif found.state not in ABORTABLE:
            refused = f"The cutover is {found.state} and can only be completed; afterwards it can be reversed."
        return Preview(
            sentence=f"{self.slug} stays in {source}, which accepts its writes again.",
            command=f"extraction cutover abort {self.slug}",
            expected="none" if found is None else f"cutover {found.cutover_id}",
            facts=() if found is None else (Fact("state", found.state), Fact("began by", found.actor)),
            refused=refused,
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        ended = plane.cutovers.abort(self.slug, f"{who.actor} aborted it: {who.reason}", actor=who.actor)
        return f"{self.slug}: {describe_outcome(ended)}"


class ResumeCutover(_OfCutover, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Complete the cutover of a business whose controller is gone."""

    kind: ClassVar[str] = "resume-cutover"
    title: ClassVar[str] = "Resume a cutover"
    button: ClassVar[str] = "Resume it"

    def preview(self, plane: ControlPlane) -> Preview:
        found = self._under_way(plane)
        return Preview(
            sentence=f"The cutover of {self.slug} goes on from its state until it is settled.",
            command=f"extraction cutover resume {self.slug}",
            expected="none" if found is None else f"cutover {found.cutover_id}",
            facts=() if found is None else (Fact("state", found.state), Fact("began by", found.actor)),
            refused=f"{self.slug} is not being moved." if found is None else None,
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        return f"{self.slug}: {describe_outcome(plane.cutovers.resume(self.slug, actor=who.actor))}"


def _facts(plane: ControlPlane, business: BusinessRef, owner: DatabaseName | None) -> list[Fact]:
    found = latest_verifications(plane.cutovers.controller.control_db).get(business.business_id)
    compared = "never; the cutover compares it first"
    if found is not None:
        verdict = "equal" if found.equal else "different"
        compared = f"{verdict} at {found.verified_at:%Y-%m-%d %H:%M:%S} UTC; the cutover compares it again"
    back = "until the extraction is finalized, by the same steps"
    return [
        Fact("owner now", owner or "none"),
        Fact("rows", f"{found.rows:,} at the latest comparison" if found else "unknown"),
        Fact("latest comparison", compared),
        Fact("expected pause of writes", _pause(plane)),
        Fact("sessions that write now", "none" if owner is None else _writers(plane, business, owner)),
        Fact("can be undone", back if owner is not None else "no"),
    ]


def _writers(plane: ControlPlane, business: BusinessRef, owner: DatabaseName) -> str:
    """List the sessions for whose end a fence would wait."""
    try:
        return "; ".join(describe_writers(plane.cutovers.controller.at(owner), business.business_id)) or "none"
    except psycopg.Error:
        return f"unknown: the {owner} database cannot be read"


def _pause(plane: ControlPlane) -> str:
    done = [write_pause_ms(each) for each in plane.cutovers.latest(100) if each.state == "active"][:_REHEARSED]
    pauses = [each for each in done if each is not None]
    if not pauses:
        return "unknown before the first cutover: a dry run estimates it"
    if len(pauses) == 1:
        return f"{pauses[0]:.0f} ms in the only cutover so far"
    return f"{median(pauses):.0f} ms, the median of the last {len(pauses)} cutovers; at most {max(pauses):.0f} ms"


def _rows(plane: ControlPlane, businesses: Sequence[BusinessRef]) -> int:
    found = latest_verifications(plane.cutovers.controller.control_db)
    return sum(found[each.business_id].rows for each in businesses if each.business_id in found)
