"""The businesses: a sentence about the state of each, and a page for each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from flask import Blueprint

from deploy.console import sources
from deploy.console.live import LivePages
from deploy.console.pages.layout import Layout
from deploy.console.polling import Snapshot
from deploy.console.requests import console_plane
from monolith.cutover.service import write_pause_ms
from monolith.cutover.service.observation import ExtractionState
from monolith.cutover.service.standing import Standing
from monolith.cutover.states import MAY_BE_FENCED
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.verification.throttle import DATABASE_SHARE
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.errors import business_not_found
from monolith.shared.flags.store import AuditEntry

STRIP: Final = ("replicating", "ready", "fenced", "drained", "verified", "decided", "active")
_WAITS: Final[Mapping[str, str]] = {
    "replicating": "for the checks and the comparison of every row, which is throttled: it uses at most "
    f"{DATABASE_SHARE:.0%} of the time of each database",
    "ready": "for connections and prepared statements, before the fence",
    "fenced": "for open writes to end, and for the watermark in the target",
    "drained": "for the comparison of the latest changes",
    "verified": "for the decision",
    "decided": "for the lease of the target",
    "aborted": "for the lease of the source",
}


class Step(NamedTuple):
    """One state of a cutover. `seconds` is the time spent in it; None for a state that was not reached."""

    state: str
    at: datetime | None
    seconds: float | None
    is_current: bool
    found: Mapping[str, Any]


class BusinessPages:
    def __init__(self, layout: Layout, live: LivePages) -> None:
        self._layout, self._live = layout, live
        live.add("businesses", self._all)
        live.add("business", self._one)

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/businesses", "businesses", self.businesses)
        pages.add_url_rule("/businesses/<slug>", "business", self.business)

    def businesses(self) -> str:
        self._layout.require_viewer()
        return self._layout.render("ops/businesses.html", live=self._live.fragment("businesses"))

    def business(self, slug: str) -> str:
        self._layout.require_viewer()
        live = self._live.fragment("business", slug)
        business, history, problem = None, list[AuditEntry](), None
        try:
            with console_plane() as plane:
                business = plane.directory.find(slug)
                history = plane.audit.changes(30, business_id=business.business_id)
        except ApiError as error:
            if error.status != 503:
                raise
            problem = error.message
        rehearsed = next((each for each in history if _is_rehearsal(each)), None)
        return self._layout.render(
            "ops/business.html",
            slug=slug,
            business=business,
            history=history,
            rehearsed=rehearsed,
            problem=problem,
            live=live,
        )

    def _all(self, snapshot: Snapshot, _: str) -> Mapping[str, Any]:
        state = snapshot.reading(sources.EXTRACTION)
        return {"standings": sources.standings(snapshot), "state": state.value, "problem": state.problem}

    def _one(self, snapshot: Snapshot, slug: str) -> Mapping[str, Any]:
        reading = snapshot.reading(sources.EXTRACTION)
        standing = next((each for each in sources.standings(snapshot) if each.slug == slug), None)
        state: ExtractionState | None = reading.value
        if state is None or standing is None:
            if state is not None:
                raise business_not_found(slug)
            return {"standing": None, "problem": reading.problem}
        cutovers = [each for each in state.cutovers if each.business_id == standing.business_id]
        return {
            "standing": standing,
            "problem": reading.problem,
            "state": state,
            "target": None if standing.owner is None else state.partners.get(standing.owner),
            "strip": strip_of(cutovers[0], state.now) if cutovers else None,
            "latest": cutovers[0] if cutovers else None,
            "waits": _WAITS,
            "cutovers": [(each, write_pause_ms(each)) for each in cutovers[:10]],
            "policy": next((each for each in state.policies if each.policy.business_id == standing.business_id), None),
            "verification": state.verifications.get(standing.business_id),
            "lags": {each.status.direction: each for each in snapshot.reading(sources.REPLICATION).value or ()},
            "way_back": way_back(standing, state, snapshot),
            "left": _seconds_left(cutovers[0], state.now) if cutovers else None,
        }


def strip_of(cutover: Cutover, now: datetime) -> list[Step]:
    """Return the states of a cutover in order, each with the time spent in it; an aborted one ends with `aborted`."""
    reached = {step["state"]: step for step in cutover.steps}
    times = {state: datetime.fromisoformat(step["at"]) for state, step in reached.items()}
    order = [state for state in STRIP if state in reached or "aborted" not in reached]
    order += ["aborted"] if "aborted" in reached else []
    steps = []
    for number, state in enumerate(order):
        at = times.get(state)
        following = next((times[each] for each in order[number + 1 :] if each in times), None)
        end = following or cutover.settled_at or now
        is_final = state in ("active", "aborted")
        seconds = None if at is None or (is_final and cutover.settled_at) else max(0.0, (end - at).total_seconds())
        current = state == cutover.state and cutover.settled_at is None
        steps.append(Step(state, at, seconds, current, reached.get(state, {}).get("found") or {}))
    return steps


def way_back(standing: Standing, state: ExtractionState, snapshot: Snapshot) -> str:
    """Return whether the business could be moved to the other database now, in a sentence."""
    directions = snapshot.reading(sources.REPLICATION).value or ()
    problems = [problem for each in directions for problem in each.status.problems]
    if standing.owner is None or standing.cutover is not None:
        return "It is not settled in one database at the moment."
    other = state.partners.get(standing.owner)
    if other is None:
        return "Not possible now: its database replicates with no other."
    if not directions or problems:
        return f"Not possible now: {problems[0] if problems else 'replication was not read yet'}."
    if standing.leases[other] is None and standing.leases[standing.owner] is None:
        return "It is not open in any database yet."
    return f"A move to {other} is possible: both databases hold every row, and follow each other."


def _is_rehearsal(entry: AuditEntry) -> bool:
    return entry.action == "console.requested" and isinstance(entry.after, dict) and bool(entry.after.get("dry_run"))


def _seconds_left(cutover: Cutover, now: datetime) -> float | None:
    if cutover.deadline_at is None or cutover.state not in MAY_BE_FENCED:
        return None
    return max(0.0, (cutover.deadline_at - now).total_seconds())
