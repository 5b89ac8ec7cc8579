"""`python -m loadtests.story`: an extraction under load, with every business moved to the service, back, and again."""

import time
from pathlib import Path

import click

from contracts.scheduling.values import DatabaseName
from deploy.cli.main import run_alone
from deploy.cli.options import NumberRange
from deploy.errors import CommandError
from loadtests.harness.cutovers import cut_over_to_other, pause_of, unguarded_controller
from loadtests.story.page import write_page
from loadtests.story.tenants import StoryTenants, running_story_tenants
from loadtests.story.timeline import Story
from monolith.cutover import replication

PAGE = Path(".artifacts/story.html")
PEAK = 60.0
"""Requests a second. Two cores run two databases, two web servers and the load."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--seconds", type=NumberRange(2, 60), default=12.0, show_default=True, help="Seconds of load in each chapter."
)
def run_story(seconds: float) -> None:
    """Run an extraction on servers of its own, and write a page with its timeline."""
    began = time.monotonic()
    _begin_chapter(None, "Starting two databases, the monolith and the service; seeding three businesses")
    with running_story_tenants() as tenants:
        story = Story(time.time())
        with tenants.under_load(PEAK) as load:
            owners = _run_chapters(tenants, story, seconds)
        reports = tenants.check_ledgers(load, owners)
        write_page(PAGE, story, load.traffic.records, list(owners), reports)
    for slug, report in zip(owners, reports, strict=True):
        click.echo(
            f"  {slug}: {report.requests:,} requests, {report.failed} failed; {report.writes:,} writes, "
            f"{len(report.lost)} lost, {len(report.duplicated)} duplicated, {len(report.unasked)} unexplained"
        )
    click.echo(f"finished in {time.monotonic() - began:.0f} s; the page is {PAGE}")
    if not all(report.clean for report in reports):
        raise CommandError("the ledger contradicts the databases: please report this as a bug")


def _run_chapters(tenants: StoryTenants, story: Story, seconds: float) -> dict[str, DatabaseName]:
    """Return the owner of each business at the end, by slug."""
    owners: dict[str, DatabaseName] = {each.business.slug: "monolith" for each in tenants.tenants}
    _begin_chapter(story, f"Peak load, in process: about {PEAK:.0f} requests a second")
    time.sleep(seconds)
    _begin_chapter(story, "Replication in both directions starts under load")
    replication.start(tenants.databases.extraction, lambda progress: None)
    time.sleep(seconds / 2)
    for title in (
        "Every business moves to the service",
        "Every business moves back to the monolith",
        "Every business moves to the service again",
    ):
        _begin_chapter(story, title)
        _cut_over_all(tenants, story, owners)
        time.sleep(seconds)
    return owners


def _cut_over_all(tenants: StoryTenants, story: Story, owners: dict[str, DatabaseName]) -> None:
    with unguarded_controller(tenants.databases) as controller:
        for each in tenants.tenants:
            slug, source = each.business.slug, owners[each.business.slug]
            cutover = cut_over_to_other(
                controller,
                each.business.business_id,
                source,
                fence_seconds=2.0,
                actor="story",
                reason="make story",
            )
            owners[slug] = cutover.target
            story.cutovers.append((slug, cutover))
            click.echo(
                f"  {slug}: {source} -> {owners[slug]}; writes paused for {pause_of(cutover).milliseconds:.0f} ms"
            )
            time.sleep(1.0)


def _begin_chapter(story: Story | None, title: str) -> None:
    if story is not None:
        story.chapters.append((time.time() - story.began, title))
    click.echo(title)


if __name__ == "__main__":
    run_alone(run_story, "python -m loadtests.story", "story")
