"""Cutovers as an operator sees them: select businesses, rehearse, move, follow, abort and resume."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from contracts.scheduling.values import DatabaseName
from monolith.cutover import replication, verification
from monolith.cutover.batches import cut_over_in_batches, within_percent
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.preflight import PreflightChecks, ReadinessProbe
from monolith.cutover.scheduling_flag import DATABASE_OF, AdapterName, FlagValue, adapter_for
from monolith.cutover.service.directory import BusinessDirectory
from monolith.cutover.service.errors import (
    BatchStopped,
    CutoverNotAbortable,
    NoCutoverUnderWay,
    NothingReplicated,
)
from monolith.cutover.service.flags import FLAG_PROPAGATION_SECONDS, AdapterSetting
from monolith.cutover.service.rehearsal import Rehearsal, rehearse
from monolith.cutover.service.requests import CutoverRequest, Selection
from monolith.cutover.states import ABORTABLE
from monolith.cutover.store import cutovers
from monolith.cutover.store.cutovers import Cutover, CutoverInProgress, SourceNotOwner
from monolith.cutover.store.rollback_policies import PolicyStatus, active_policies, latest_policy, start_policy
from monolith.cutover.store.verifications import store_findings
from monolith.shared.endpoints import BusinessRef

OnMoved = Callable[[str, Cutover], None]
_POLL_SECONDS = 0.2


class Transition(NamedTuple):
    """One step of one cutover. `at` is ISO 8601, by the clock of the monolith's database."""

    at: str
    slug: str
    state: str
    found: dict[str, Any]


class CutOverResult(NamedTuple):
    """`former_default` is the flag's default that was replaced; None when the request leaves the default alone."""

    moved: int
    former_default: FlagValue | None = None


class CutoverService:
    """Moves businesses between the two databases. Connects on first use. Not thread-safe; call `close`."""

    def __init__(
        self,
        databases: Callable[[], SchedulingDatabases],
        readiness: ReadinessProbe,
        directory: BusinessDirectory,
        adapter: AdapterSetting,
    ) -> None:
        self._databases, self._readiness = databases, readiness
        self._directory, self._adapter = directory, adapter
        self._open: tuple[Controller, PreflightChecks] | None = None
        self._known: SchedulingDatabases | None = None

    @property
    def databases(self) -> SchedulingDatabases:
        """The databases of the deployment, as this object's connections lead to them."""
        self._known = self._known or self._databases()
        return self._known

    @property
    def controller(self) -> Controller:
        return self._connected()[0]

    def require_replication(self) -> None:
        """Raise NothingReplicated when no database subscribes to another."""
        if not any(replication.is_replicating(pair) for pair in self._databases().pairs):
            raise NothingReplicated

    def require_extraction(self) -> None:
        """Raise NothingReplicated when the monolith's database and the service's first do not replicate."""
        if not replication.is_replicating(self._databases().extraction):
            raise NothingReplicated

    def partner_of(self, name: DatabaseName) -> DatabaseName | None:
        """Return the database with which this one replicates, or would; None if it is in no pair."""
        return self.databases.partner_of(name)

    def partners(self) -> Mapping[DatabaseName, DatabaseName]:
        """Return the partner of each database that has one."""
        databases = self.databases
        found = {name: databases.partner_of(name) for name in databases.names}
        return {name: partner for name, partner in found.items() if partner is not None}

    def close(self) -> None:
        if self._open is not None:
            self._open[0].close()

    def select(self, target: DatabaseName, selection: Selection) -> list[BusinessRef]:
        """Return the selected businesses that `target` does not own yet, sorted by slug. Raises UnknownBusiness.

        Without a slug, they are selected from those of the database with which `target` replicates. Raises
        NothingReplicated if there is none.
        """
        if selection.slug is not None:
            business, owners = self._directory.find(selection.slug), self._directory.owners()
            owned = owners.get(business.business_id)
            return [] if owned is None or owned.owner == target else [business]
        partner = self.partner_of(target)
        if partner is None:
            raise NothingReplicated
        return [each for each in self._directory.owned_by(partner) if _is_selected(each, selection)]

    def owned_by_others(self, names: Collection[DatabaseName]) -> frozenset[UUID]:
        """Return the businesses that none of these databases owns."""
        owners = self._directory.owners().items()
        return frozenset(business_id for business_id, owned in owners if owned.owner not in names)

    def describe(self, business_id: UUID) -> str:
        """Return the slug of a business; its id if it is unknown."""
        return self._directory.slugs().get(business_id, str(business_id))

    def target_of(self, adapter: AdapterName, slug: str | None) -> DatabaseName:
        """Return the database to which a request for an adapter moves: that of the pair, where there are several.

        A business that the adapter serves already stays. Raises UnknownBusiness.
        """
        if adapter == "in_process":
            return DATABASE_OF[adapter]
        if slug is not None:
            owned = self._directory.owners().get(self._directory.find(slug).business_id)
            if owned is not None and adapter_for(owned.owner) == adapter:
                return owned.owner
        return self.partner_of("monolith") or DATABASE_OF[adapter]

    def source_for(self, target: DatabaseName, business: BusinessRef | None) -> DatabaseName | None:
        """Return the database from which a cutover to `target` would move: the owner of the business, or its partner.

        None if that is unknown, or `target` itself.
        """
        if business is None:
            return self.partner_of(target)
        owned = self._directory.owners().get(business.business_id)
        return self.partner_of(target) if owned is None or owned.owner == target else owned.owner

    def rehearse(self, request: CutoverRequest, selection: Selection) -> Iterator[Rehearsal]:
        """Run every check of each cutover and move nothing. Raises RehearsalFailed and ExtractionFinalized."""
        self._adapter.require_way_back(adapter_for(request.target))
        owners = self._directory.owners()
        for business in self.select(request.target, selection):
            yield rehearse(*self._connected(), request, owners[business.business_id].owner, business)

    def cut_over(self, request: CutoverRequest, selection: Selection, on_moved: OnMoved) -> CutOverResult:
        """Move the selected businesses. The flag of each follows when it has moved.

        For a selection of every business the flag's default follows last, so that new businesses are created at the
        target too; businesses created at the source until then are moved too. Raises ExtractionFinalized, and
        BatchStopped: what was moved stays moved, and the flag is as before for the rest.
        """
        self._adapter.require_way_back(adapter_for(request.target))
        moved = self._move(request, _slugs(self.select(request.target, selection)), on_moved)
        if not selection.is_every_business:
            return CutOverResult(moved)
        adapter = request.default or adapter_for(request.target)
        before = self._adapter.set_default(adapter, actor=request.actor, reason=request.reason)
        if before == adapter:
            return CutOverResult(moved, before)
        try:
            time.sleep(FLAG_PROPAGATION_SECONDS)
            moved += self._move(request, _slugs(self.select(request.target, selection)), on_moved)
        except BaseException:
            reason = "not every business could be moved; the default is as before"
            self._adapter.set_default(before, actor=request.actor, reason=reason)
            raise
        return CutOverResult(moved, before)

    def move(self, request: CutoverRequest, businesses: Collection[UUID], on_moved: OnMoved) -> int:
        """Move these businesses, in the order of their ids, and return how many moved. Raises BatchStopped."""
        slugs = self._directory.slugs()
        return self._move(request, {each: slugs.get(each, str(each)) for each in sorted(businesses)}, on_moved)

    def latest(self, limit: int) -> list[Cutover]:
        """Return the latest cutovers, those under way first."""
        found = cutovers.latest(self.controller.control_db, limit)
        return sorted(found, key=lambda each: each.settled_at is not None)

    def observed(self) -> list[PolicyStatus]:
        """Return the active rollback policies, the oldest first."""
        return active_policies(self.controller.control_db)

    def transitions(self) -> Iterator[Transition | None]:
        """Yield new transitions of all cutovers as they happen, and None after each poll. Never ends."""
        control_db, slugs = self.controller.control_db, self._directory.slugs()
        known = {each.cutover_id: len(each.steps) for each in cutovers.latest(control_db, 200)}
        while True:
            for each in reversed(cutovers.latest(control_db, 50)):
                for step in each.steps[known.get(each.cutover_id, 0) :]:
                    yield _transition(each, step, slugs)
                known[each.cutover_id] = len(each.steps)
            yield None
            time.sleep(_POLL_SECONDS)

    def abort(self, slug: str, reason: str, *, actor: str) -> Cutover:
        """End a cutover before its decision. Raises CutoverNotAbortable after it, and NoCutoverUnderWay."""
        cutover, control_db = self._under_way(slug), self.controller.control_db
        if cutover.state not in ABORTABLE or not cutovers.abort(control_db, cutover, reason, actor=actor):
            raise CutoverNotAbortable(slug, cutovers.get(control_db, cutover.cutover_id).state, cutover.source)
        return self.controller.drive(cutover.cutover_id)

    def resume(self, slug: str, *, actor: str) -> Cutover:
        """Complete a cutover whose controller is gone, from the state it left. Raises NoCutoverUnderWay."""
        cutover = self._under_way(slug)
        cutovers.record_resumed(self.controller.control_db, cutover, actor=actor)
        return self.controller.drive(cutover.cutover_id)

    def _connected(self) -> tuple[Controller, PreflightChecks]:
        if self._open is None:
            checks = PreflightChecks(self.databases, self._readiness)
            self._open = Controller(self.databases, checks), checks
        return self._open

    def _under_way(self, slug: str) -> Cutover:
        found = cutovers.unsettled(self.controller.control_db, self._directory.find(slug).business_id)
        if not found:
            raise NoCutoverUnderWay(slug)
        return found[0]

    def _move(self, request: CutoverRequest, slugs: Mapping[UUID, str], on_moved: OnMoved) -> int:
        owners = self._directory.owners()
        sources = {business_id: owners[business_id].owner for business_id in slugs}
        done = 0

        def move(business_id: UUID) -> Cutover:
            nonlocal done
            try:
                moved = self._move_one(request, sources[business_id], business_id)
            except (CutoverInProgress, SourceNotOwner) as error:
                reason = "another cutover of it is under way" if isinstance(error, CutoverInProgress) else _ELSEWHERE
                untried = len(slugs) - done - 1
                raise BatchStopped(slugs[business_id], reason, moved=done, untried=untried) from error
            if moved.state == "active":
                done += 1
                on_moved(slugs[business_id], moved)
            return moved

        def check(business_id: UUID) -> str | None:
            return self._check_moved(request, sources[business_id], business_id)

        outcome = cut_over_in_batches(list(slugs), request.batch_size, move, check)
        if outcome.stopped_by is not None:
            business_id, reason = outcome.stopped_by
            raise BatchStopped(slugs[business_id], reason, moved=len(outcome.moved), untried=len(outcome.left))
        return len(outcome.moved)

    def _move_one(self, request: CutoverRequest, source: DatabaseName, business_id: UUID) -> Cutover:
        """Move the business, whose flag follows, then observe it: the rollback policy may set the flag back."""
        moved = self.controller.cut_over(
            business_id,
            source,
            request.target,
            fence_seconds=request.fence_seconds,
            actor=request.actor,
            reason=request.reason,
        )
        if moved.state == "active" and request.rollback is not None:
            thresholds, seconds = request.rollback
            start_policy(self.controller.control_db, moved, thresholds, watch_seconds=seconds)
        return moved

    def _check_moved(self, request: CutoverRequest, source: DatabaseName, business_id: UUID) -> str | None:
        """Compare the whole business again, from its new owner, unless it was rolled back."""
        control_db = self.controller.control_db
        policy = latest_policy(control_db, business_id) if request.rollback is not None else None
        if policy is not None and policy.outcome == "returned":
            return f"it was rolled back to {policy.home}"
        owner, copy = self.controller.at(request.target), self.controller.at(source)
        findings = verification.compare(owner, copy, business_id)
        store_findings(control_db, business_id, findings)
        if findings.equal:
            return None
        first = findings.differences[0]
        return f"the two databases differ since the cutover ({first.table} {first.key}: {first.what})"


_ELSEWHERE = "another operator has moved it"


def _is_selected(business: BusinessRef, selection: Selection) -> bool:
    return selection.percent is None or within_percent(business.business_id, selection.percent)


def _slugs(businesses: Sequence[BusinessRef]) -> dict[UUID, str]:
    return {each.business_id: each.slug for each in businesses}


def _transition(cutover: Cutover, step: dict[str, Any], slugs: Mapping[UUID, str]) -> Transition:
    slug = slugs.get(cutover.business_id, str(cutover.business_id))
    return Transition(step["at"], slug, step["state"], step.get("found") or {})
