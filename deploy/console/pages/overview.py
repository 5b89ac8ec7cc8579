"""The overview: notices, the topology as a picture, and the number of businesses by owner."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from flask import Blueprint

from deploy.console import sources
from deploy.console.live import LivePages
from deploy.console.pages.layout import Layout
from deploy.console.polling import Snapshot
from monolith.cutover.service.observation import ExtractionState
from monolith.cutover.service.standing import Standing
from monolith.cutover.store.rollback_policies import ACTOR as ROLLBACK_ACTOR
from monolith.cutover.wording import count_of

SHOWN_ROLLBACKS = timedelta(days=1)


class Notice(NamedTuple):
    """A condition that needs an operator: its severity, a sentence, and the remedy as a command."""

    level: str
    sentence: str
    remedy: str = ""


class OverviewPage:
    def __init__(self, layout: Layout, live: LivePages) -> None:
        self._layout, self._live = layout, live
        live.add("overview", self._values)

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/", "overview", self.overview)

    def overview(self) -> str:
        self._layout.require_viewer()
        return self._layout.render("ops/overview.html", live=self._live.fragment("overview"))

    def _values(self, snapshot: Snapshot, _: str) -> Mapping[str, Any]:
        found = sources.standings(snapshot)
        extraction = snapshot.reading(sources.EXTRACTION)
        return {
            "snapshot": snapshot,
            "state": extraction.value,
            "standings": found,
            "owned": Counter(each.owner for each in found if each.owner),
            "processes": {name: snapshot.reading(source) for name, source in sources.PROCESSES.items()},
            "databases": {name: snapshot.reading(source) for name, source in sources.LEASES.items()},
            "further": snapshot.reading(sources.FURTHER_LEASES),
            "replication": snapshot.reading(sources.REPLICATION).value or (),
            "events": snapshot.reading(sources.EVENTS).value,
            "notices": notices(snapshot, found),
            "fragments": self._layout.overview_fragments(),
            "traffic": self._layout.traffic(),
        }


def notices(snapshot: Snapshot, found: list[Standing]) -> list[Notice]:
    """Return the conditions that need an operator, the most severe first."""
    listed = [
        Notice("broken", f"{each.slug}: {each.sentence}", each.remedy) for each in found if each.level == "broken"
    ]
    extraction = snapshot.reading(sources.EXTRACTION)
    if extraction.problem:
        since = f" since {extraction.read_at:%H:%M:%S} UTC" if extraction.read_at else ""
        listed.append(Notice("broken", f"The control plane cannot be read{since}: {extraction.problem}"))
    for name, source in sources.PROCESSES.items():
        reading = snapshot.reading(source)
        if reading.problem:
            listed.append(Notice("broken", f"The {name} web process does not answer: {reading.problem}"))
        elif reading.value is not None and reading.value.state != "ready":
            listed.append(Notice("attention", f"The {name} web process is not ready."))
    listed += _rollback_notices(extraction.value)
    listed += _replication_notices(snapshot, found)
    listed += [
        Notice("attention", f"{each.slug}: {each.sentence}", each.remedy) for each in found if each.level == "attention"
    ]
    return listed + _event_notices(snapshot)


def _rollback_notices(state: ExtractionState | None) -> list[Notice]:
    """An automatic rollback happens without an operator, so it is shown for a day."""
    if state is None:
        return []
    slugs = {each.business_id: each.slug for each in state.businesses}
    return [
        Notice(
            "attention",
            f"{slugs.get(each.business_id, 'A business')} was moved back to {each.target} automatically at "
            f"{each.began_at:%H:%M} UTC: {each.reason}.",
            f"extraction audit --business {slugs.get(each.business_id, 'SLUG')}",
        )
        for each in state.cutovers
        if each.actor == ROLLBACK_ACTOR and each.state == "active" and state.now - each.began_at < SHOWN_ROLLBACKS
    ]


def _replication_notices(snapshot: Snapshot, found: list[Standing]) -> list[Notice]:
    """Replication that was never started is no problem while the monolith owns every business."""
    directions = snapshot.reading(sources.REPLICATION).value or ()
    if not any(each.status.subscribed for each in directions) and not any(
        each.owner != "monolith" for each in found if each.owner
    ):
        return []
    return [Notice("attention", problem) for each in directions for problem in each.status.problems]


def _event_notices(snapshot: Snapshot) -> list[Notice]:
    events = snapshot.reading(sources.EVENTS).value
    if events is None:
        return []
    dead = [
        Notice(
            "attention",
            f"{count_of(each.dead, 'event', 'events')} of {each.name} could not be applied.",
            f"extraction events dead {each.name}",
        )
        for each in events.consumers
        if each.dead
    ]
    return dead + [Notice("attention", problem) for problem in events.problems]
