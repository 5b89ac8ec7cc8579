"""Replication and shadow reads: the conditions of a cutover, over time."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request

from deploy.console import sources
from deploy.console.charts import line_chart
from deploy.console.live import LivePages
from deploy.console.pages.layout import Layout
from deploy.console.polling import Snapshot
from deploy.console.requests import console_plane

_SHADOW_MINUTES = (15, 60, 720)


class ReplicationPages:
    def __init__(self, layout: Layout, live: LivePages) -> None:
        self._layout, self._live = layout, live
        live.add("replication", self._values)

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/replication", "replication", self.replication)
        pages.add_url_rule("/shadow", "shadow", self.shadow)

    def replication(self) -> str:
        self._layout.require_viewer()
        return self._layout.render("ops/replication.html", live=self._live.fragment("replication"))

    def shadow(self) -> str:
        self._layout.require_viewer()
        given = request.args.get("minutes", "")
        minutes = int(given) if given.isascii() and given.isdigit() and int(given) in _SHADOW_MINUTES else 60
        with console_plane() as plane:
            slugs = plane.directory.slugs()
            share, found = plane.shadow.read(slugs), plane.shadow_results.since(minutes)
        return self._layout.render(
            "ops/shadow.html",
            share=share,
            found=found,
            minutes=minutes,
            choices=_SHADOW_MINUTES,
            slugs=sorted(slugs.values()),
            names={str(business_id): slug for business_id, slug in slugs.items()},
        )

    def _values(self, snapshot: Snapshot, _: str) -> Mapping[str, Any]:
        reading = snapshot.reading(sources.REPLICATION)
        directions = reading.value or ()
        return {
            "directions": directions,
            "problem": reading.problem,
            "seconds_chart": line_chart(
                "Oldest unconfirmed change, in seconds",
                {
                    each.status.direction: [(sample.at, sample.seconds) for sample in each.history]
                    for each in directions
                },
                unit=" s",
            ),
            "bytes_chart": line_chart(
                "Unconfirmed changes, in kB",
                {
                    each.status.direction: [(sample.at, sample.bytes / 1000) for sample in each.history]
                    for each in directions
                },
                unit=" kB",
            ),
        }
