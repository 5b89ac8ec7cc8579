"""What `extraction flag set` prints: text, or with `--json` one object per line."""

import json
from typing import Any

import click

from monolith.cutover.scheduling_flag import FlagValue
from monolith.cutover.service import CutoverRequest, Selection, write_pause_ms
from monolith.cutover.service.rehearsal import Rehearsal
from monolith.cutover.service.wording import describe_move
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.wording import count_of
from monolith.shared.flags.store import SCHEDULING_ADAPTER


class TextOutput:
    """Lines for a person."""

    def rehearsed(self, request: CutoverRequest, rehearsal: Rehearsal) -> None:
        pause = f"writes would wait about {rehearsal.pause_ms:.0f} ms"
        click.echo(f"{rehearsal.slug}: ready to move to {request.target}; {pause}")

    def moved(self, slug: str, cutover: Cutover) -> None:
        click.echo(f"{slug}: {describe_move(cutover)}")

    def guarded(self, request: CutoverRequest, moved: int) -> None:
        """Print the rollback policy, if one was requested and a business has moved."""
        if request.rollback is not None and moved:
            thresholds, seconds = request.rollback
            click.echo(f"guarded for {seconds / 60:g} minutes: {thresholds}")

    def finished(self, request: CutoverRequest, selection: Selection, moved: int) -> None:
        """Print the number of moved businesses, unless the lines before tell it."""
        if not moved:
            selected = selection.slug or "every selected business"
            click.echo(f"{selected} is owned by {request.target} already; nothing to do")
        elif moved > 1:
            click.echo(f"{count_of(moved)} moved to {request.target} and compared")

    def default(self, adapter: FlagValue, before: FlagValue) -> None:
        if before == adapter:
            click.echo(f"{SCHEDULING_ADAPTER} is {adapter} already; new businesses use it")
            return
        click.echo(f"{SCHEDULING_ADAPTER}: {before} -> {adapter}; new businesses now use {adapter}")


class JsonOutput(TextOutput):
    """One JSON object per line, each with its `event`, for a program."""

    def rehearsed(self, request: CutoverRequest, rehearsal: Rehearsal) -> None:
        _print("rehearsed", business=rehearsal.slug, to=request.target, pause_ms=round(rehearsal.pause_ms, 1))

    def moved(self, slug: str, cutover: Cutover) -> None:
        pause = write_pause_ms(cutover)
        rounded = None if pause is None else round(pause, 1)
        _print("moved", business=slug, **{"from": cutover.source}, to=cutover.target, pause_ms=rounded)

    def guarded(self, request: CutoverRequest, moved: int) -> None:
        if request.rollback is not None and moved:
            thresholds, seconds = request.rollback
            _print("guarded", seconds=seconds, bound=thresholds._asdict())

    def finished(self, request: CutoverRequest, selection: Selection, moved: int) -> None:
        _print("finished", to=request.target, moved=moved)

    def default(self, adapter: FlagValue, before: FlagValue) -> None:
        _print("default", before=before, after=adapter)


def _print(event: str, **fields: Any) -> None:
    click.echo(json.dumps({"event": event, **fields}))
