"""The flag: the default, moves of many businesses, guarded businesses, and the history of changes."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from deploy.console import sources
from deploy.console.live import LivePages
from deploy.console.pages.layout import Layout
from deploy.console.polling import Snapshot
from deploy.console.requests import console_plane
from monolith.cutover.service import write_pause_ms


class FlagPages:
    def __init__(self, layout: Layout, live: LivePages) -> None:
        self._layout, self._live = layout, live
        live.add("flag", self._values)

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/flag", "flag", self.flag)

    def flag(self) -> str:
        self._layout.require_viewer()
        with console_plane() as plane:
            default, history = plane.adapter.default(), plane.adapter.history()
            slugs = {str(business_id): slug for business_id, slug in plane.directory.slugs().items()}
        return self._layout.render(
            "ops/flag.html", default=default, history=history, slugs=slugs, live=self._live.fragment("flag")
        )

    def _values(self, snapshot: Snapshot, _: str) -> Mapping[str, Any]:
        state = snapshot.reading(sources.EXTRACTION)
        found = state.value
        return {
            "state": found,
            "problem": state.problem,
            "slugs": {} if found is None else {each.business_id: each.slug for each in found.businesses},
            "cutovers": [] if found is None else [(each, write_pause_ms(each)) for each in found.cutovers[:20]],
        }
