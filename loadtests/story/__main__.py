"""`python -m loadtests.story`: load in process, replication under load, every business there, back, and there again."""

import time
from pathlib import Path

import click

from contracts.scheduling.values import DatabaseName
from deploy.cli.main import run_alone
from deploy.errors import CommandError
from loadtests.story.page import write_page
from loadtests.story.tenants import StoryTenants, running_story_tenants
from loadtests.story.timeline import Story
from monolith.cutover import replication
from monolith.cutover.controller import Controller
from monolith.cutover.databases import other_database
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.service import write_pause_ms

PAGE = Path(".artifacts/story.html")
PEAK = 60.0
"""Requests a second. Two cores run two databases, two webs and the people."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--seconds", type=click.FloatRange(2, 60), default=12.0, show_default=True, help="Of load in each chapter."
)
def tell(seconds: float) -> None:
    """Tell the story of an extraction, on servers of its own, and write a page about it."""
    began = time.monotonic()
    _chapter(None, "starting two databases, the monolith and the service; filling in three businesses")
    with running_story_tenants() as place:
        story = Story(time.time())
        with place.in_use(PEAK) as (traffic, plans):
            owners = _chapters(place, story, seconds)
        verdicts = place.verdicts(traffic, plans, owners)
        write_page(PAGE, story, traffic.records, list(owners), verdicts)
    for slug, verdict in zip(owners, verdicts, strict=True):
        click.echo(
            f"  {slug}: {verdict.requests:,} requests, {verdict.failed} failed; of {verdict.writes:,} writes "
            f"{len(verdict.lost)} lost, {len(verdict.duplicated)} twice, {len(verdict.unasked)} unasked"
        )
    click.echo(f"told in {time.monotonic() - began:.0f} s; the page is {PAGE}")
    if not all(verdict.clean for verdict in verdicts):
        raise CommandError("the ledger does not agree with the databases: this is a bug worth reporting")


def _chapters(place: StoryTenants, story: Story, seconds: float) -> dict[str, str]:
    """What each business is owned by at the end."""
    owners: dict[str, DatabaseName] = {each.business.slug: "monolith" for each in place.tenants}
    _chapter(story, f"the peak hour, in process: about {PEAK:.0f} requests a second")
    time.sleep(seconds)
    _chapter(story, "the two databases begin to follow one another, while the load runs")
    replication.start(place.sides, lambda progress: None)
    time.sleep(seconds / 2)
    for words in ("every business moves to the service", "and back to the monolith", "and to the service once more"):
        _chapter(story, words)
        _move_all(place, story, owners)
        time.sleep(seconds)
    return dict(owners)


def _move_all(place: StoryTenants, story: Story, owners: dict[str, DatabaseName]) -> None:
    with Controller(place.sides, PreflightChecks(place.sides, lambda side: None)) as controller:
        for each in place.tenants:
            slug, source = each.business.slug, owners[each.business.slug]
            move = controller.cut_over(
                each.business.business_id,
                source,
                other_database(source),
                fence_seconds=2.0,
                actor="story",
                reason="the story",
            )
            if move.state != "active":
                raise CommandError(f"{slug} could not be moved: {move.problem}")
            owners[slug] = other_database(source)
            story.moves.append((slug, move))
            pause = write_pause_ms(move) or 0
            click.echo(f"  {slug}: {source} -> {other_database(source)}; writes waited at most {pause:.0f} ms")
            time.sleep(1.0)


def _chapter(story: Story | None, words: str) -> None:
    if story is not None:
        story.chapters.append((time.time() - story.began, words))
    click.echo(words)


if __name__ == "__main__":
    run_alone(tell, "python -m loadtests.story", "story")
