"""The page *Where time goes*: usage per module on one time scale, with the bottleneck in a sentence."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from flask import Blueprint, render_template
from markupsafe import Markup

from contracts.chassis.background_thread import BackgroundThread
from contracts.chassis.backoff import Every
from contracts.chassis.loops import Loop, Worker
from deploy.console.charts import Points, line_chart
from deploy.console.extension import ConsoleContext, Extension, NavigationLink
from deploy.console.polling import Snapshot
from loadtests.evidence.text import describe_bottleneck
from loadtests.evidence.usage_history import Usage, UsageHistory
from loadtests.evidence.window import ModuleUsage

SCRAPE_SECONDS = 7.5
"""Two for each point of a line. A scrape takes some hundredths of a second of the web process."""
UNSEEN_SECONDS = 60.0
"""Between scrapes while the console is not watched, so that the history exists when it is opened."""
MAX_MODULES = 5
GAP = timedelta(seconds=2 * UNSEEN_SECONDS)
"""Points that are further apart are not joined."""


class Measure(NamedTuple):
    """One chart: what is drawn of each module."""

    title: str
    unit: str
    value: Callable[[ModuleUsage], float]


MEASURES = (
    Measure("Requests per second", "", lambda module: module.requests),
    Measure("99th percentile, in ms", " ms", lambda module: (module.p99 or 0.0) * 1000),
    Measure("Processor time, in cores", "", lambda module: module.cpu),
    Measure("Database: statements at once", "", lambda module: module.running + module.locked),
    Measure("Waits for a connection, in ms per request", " ms", lambda module: module.pool_wait * 1000),
    Measure("Errors per second", "", lambda module: module.errors),
)


def build(context: ConsoleContext) -> Extension:
    """Build the page, and start scraping."""
    config = context.config
    history = UsageHistory(
        [
            (f"{config.monolith_url}/metrics", config.metrics_token),
            (f"{config.service_url}/metrics", config.scheduling_metrics_token),
        ]
    )
    unseen = Every(UNSEEN_SECONDS)

    def scrape() -> None:
        if context.snapshots.is_watched() or unseen.due():
            history.scrape()

    scraping = Worker([Loop("usage", scrape, SCRAPE_SECONDS, SCRAPE_SECONDS)])
    BackgroundThread("usage", scraping, closing_seconds=1.0).start()

    def values(_: Snapshot, __: str) -> Mapping[str, Any]:
        return values_of(history.latest())

    def overview() -> Markup:
        return Markup(render_template("ops/live/bottleneck.html", **bottleneck_of(history.latest())))  # noqa: S704

    context.live.add("time", values)
    blueprint = Blueprint("ops_time", __name__, url_prefix="/ops", template_folder="templates")

    @blueprint.get("/time")
    def time_page() -> str:
        context.require_viewer()
        return context.render("ops/time.html", live=context.live.fragment("time"))

    links = [NavigationLink("Where time goes", "ops_time.time_page")]
    return Extension(blueprint, links, overview, traffic=lambda: history.latest().traffic)


def bottleneck_of(usage: Usage) -> dict[str, Any]:
    """Return what the overview shows, without the charts, which take longer to draw than all the rest of that page."""
    return {
        "sentences": [] if usage.window is None or usage.diagnosis is None else describe_bottleneck(usage.diagnosis),
        "is_bottleneck": usage.diagnosis is not None and usage.diagnosis.module is not None,
        "traffic": usage.traffic,
        "open_breakers": usage.open_breakers,
    }


def values_of(usage: Usage) -> dict[str, Any]:
    """Return what the page shows: the sentence, the table and the charts."""
    names = busiest(usage)
    return bottleneck_of(usage) | {
        "remedies": [] if usage.diagnosis is None else usage.diagnosis.remedies,
        "modules": [] if usage.window is None else sorted(usage.window.modules.values(), key=lambda each: -each.cpu),
        "problems": usage.problems,
        "charts": [line_chart(each.title, _series(usage, names, each), unit=each.unit, gap=GAP) for each in MEASURES],
        "since": usage.points[0].at if usage.points else None,
    }


def busiest(usage: Usage) -> list[str]:
    """Return the modules that used most processor time in the last 15 minutes, in a stable order."""
    spent: dict[str, float] = {}
    for point in usage.points:
        for name, module in point.modules.items():
            spent[name] = spent.get(name, 0.0) + module.cpu
    return sorted(sorted(spent, key=lambda name: -spent[name])[:MAX_MODULES])


def _series(usage: Usage, names: list[str], measure: Measure) -> dict[str, Points]:
    """A module without requests in a point's time is at 0."""
    return {
        name: [
            (point.at, measure.value(point.modules[name]) if name in point.modules else 0.0) for point in usage.points
        ]
        for name in names
    }
