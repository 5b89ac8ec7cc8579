"""The story's page: the timeline as a chart, each cutover with its write pause, and the ledger."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader

from loadtests.harness.traffic.ledger import LedgerReport
from loadtests.harness.traffic.open_loop import TrafficRecord
from loadtests.story.timeline import SecondSummary, Story, owners_over_time, summarize_seconds

WIDTH, HEIGHT = 960.0, 160.0


def write_page(
    path: Path,
    story: Story,
    records: Sequence[TrafficRecord],
    businesses: Sequence[str],
    reports: Sequence[LedgerReport],
) -> None:
    """Write one self-contained HTML file without scripts."""
    seconds = summarize_seconds(records, story.began)
    ends = float(max((second.at for second in seconds), default=1) + 1)
    template = Environment(loader=PackageLoader("loadtests.story", "."), autoescape=True).get_template("story.html")
    slowest = max((second.p99_ms for second in seconds), default=1.0)
    busiest = max((second.requests for second in seconds), default=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        template.render(
            width=WIDTH,
            height=HEIGHT,
            x=lambda at: round(at / ends * WIDTH, 1),
            load=_line(seconds, ends, [second.requests / busiest for second in seconds]),
            median=_line(seconds, ends, [second.median_ms / slowest for second in seconds]),
            p99=_line(seconds, ends, [second.p99_ms / slowest for second in seconds]),
            busiest=busiest,
            slowest=slowest,
            ends=ends,
            chapters=story.chapters,
            cutovers=story.summarize_cutovers(),
            owners=owners_over_time(story, businesses, ends),
            reports=list(zip(businesses, reports, strict=True)),
            clean=all(report.clean for report in reports),
            requests=sum(report.requests for report in reports),
            writes=sum(report.writes for report in reports),
            failed=sum(report.failed for report in reports),
        )
    )


def _line(seconds: Sequence[SecondSummary], ends: float, shares: Sequence[float]) -> str:
    """Return the points of an SVG line; a share of 1 is at the top."""
    return " ".join(
        f"{(second.at + 0.5) / ends * WIDTH:.1f},{HEIGHT - share * HEIGHT:.1f}"
        for second, share in zip(seconds, shares, strict=True)
    )
