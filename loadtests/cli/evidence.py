"""Find the module that is the bottleneck of a running application."""

import os

import click

from deploy.cli.options import NumberRange
from deploy.devstack.environment import running_stack_environment
from deploy.devstack.ports import HOST
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError


@click.command()
@click.option("--metrics", "pages", multiple=True, metavar="URL", help="Metrics page to scrape; repeatable.")
@click.option("--prometheus", metavar="URL", help="Prometheus server that has the series.")
@click.option("--token", help="Bearer token of the metrics pages or of Prometheus.")
@click.option("--seconds", type=NumberRange(2, 3_600), default=20.0, show_default=True, help="Time to scrape.")
@click.option("--window", default="5m", show_default=True, help="Time range of the Prometheus query.")
@click.option("--match", default="", help='Label matchers for Prometheus, such as job="shop".')
def evidence(
    pages: tuple[str, ...], prometheus: str | None, token: str | None, seconds: float, window: str, match: str
) -> None:
    """Find the bottleneck of a running application: the module, the scarce resource and the first remedies.

    Reads the demo that runs in this folder, or any application that exports a few series;
    loadtests/evidence/README.md lists them, with a Flask example. Run it under load: it reports current bottlenecks.
    """
    from loadtests.evidence.diagnosis import diagnose
    from loadtests.evidence.metrics_pages import scrape_pages
    from loadtests.evidence.prometheus import query_prometheus
    from loadtests.evidence.text import format_diagnosis
    from loadtests.evidence.window import InsufficientData, build_window

    if pages and prometheus:
        raise click.UsageError("--metrics and --prometheus are alternatives: give one of them")
    if prometheus:
        samples = query_prometheus(prometheus, window, match, token)
    else:
        targets: dict[str, str | None] = dict.fromkeys(pages, token) or demo_pages()
        click.echo(f"scraping {', '.join(targets)} for {seconds:g} seconds", err=True)
        samples = scrape_pages(targets, seconds)
    try:
        usage = build_window(samples)
    except InsufficientData as error:
        raise CommandError(f"not enough data: {error}") from error
    for line in format_diagnosis(usage, diagnose(usage)):
        click.echo(line)


def demo_pages() -> dict[str, str | None]:
    """Return the metrics pages of the demo in this folder, with their tokens. Raises CommandError without a demo."""
    data = read_settings(os.environ).data
    monolith, scheduling = running_stack_environment(data, "monolith"), running_stack_environment(data, "scheduling")
    return {
        f"{monolith['PUBLIC_URL']}/metrics": monolith["METRICS_TOKEN"],
        f"http://{HOST}:{scheduling['SCHEDULING_PORT']}/metrics": scheduling["METRICS_TOKEN"],
    }
