"""Find the module that is the bottleneck of a running application."""

import os

import click

from deploy.devstack.environment import running_stack_environment
from deploy.devstack.ports import HOST
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError


@click.command()
@click.option("--metrics", "pages", multiple=True, metavar="URL", help="A metrics page to look at; may be repeated.")
@click.option("--prometheus", metavar="URL", help="A Prometheus server that has the series.")
@click.option("--token", help="What the metrics pages, or Prometheus, want as a bearer token.")
@click.option("--seconds", type=click.FloatRange(2, 3_600), default=20.0, show_default=True, help="How long to look.")
@click.option("--window", default="5m", show_default=True, help="How far back to ask Prometheus.")
@click.option("--match", default="", help='Further labels for Prometheus, such as job="shop".')
def evidence(
    pages: tuple[str, ...], prometheus: str | None, token: str | None, seconds: float, window: str, match: str
) -> None:
    """Say which module of a running application is the bottleneck, of what, and what to try first.

    Reads the demo that runs in this folder; or any application that exports the same few series, which
    loadtests/evidence/README.md lists with a Flask example. Run it while the application is under load: it says what is
    short now.
    """
    from loadtests.evidence.diagnosis import diagnose
    from loadtests.evidence.metrics_pages import scrape_pages
    from loadtests.evidence.prometheus import query_prometheus
    from loadtests.evidence.text import format_diagnosis
    from loadtests.evidence.window import InsufficientData, build_window

    if pages and prometheus:
        raise click.UsageError("--metrics and --prometheus are two ways to the same figures: give one of them")
    if prometheus:
        samples = query_prometheus(prometheus, window, match, token)
    else:
        wanted: dict[str, str | None] = dict.fromkeys(pages, token) or demo_pages()
        click.echo(f"looking for {seconds:g} seconds at {', '.join(wanted)}", err=True)
        samples = scrape_pages(wanted, seconds)
    try:
        seen = build_window(samples)
    except InsufficientData as error:
        raise CommandError(f"no evidence: {error}") from error
    for line in format_diagnosis(seen, diagnose(seen)):
        click.echo(line)


def demo_pages() -> dict[str, str | None]:
    """Of the demo that runs in this folder, and the token that they want. Raises CommandError when none does."""
    data = read_settings(os.environ).data
    monolith, scheduling = running_stack_environment(data, "monolith"), running_stack_environment(data, "scheduling")
    return {
        f"{monolith['PUBLIC_URL']}/metrics": monolith["METRICS_TOKEN"],
        f"http://{HOST}:{scheduling['SCHEDULING_PORT']}/metrics": scheduling["METRICS_TOKEN"],
    }
