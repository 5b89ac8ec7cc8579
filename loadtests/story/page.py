"""The page at the end: the timeline as a drawing, each move with its pause, and the ledger's verdict."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader

from loadtests.harness.traffic.ledger import LedgerReport
from loadtests.harness.traffic.open_loop import TrafficRecord
from loadtests.story.timeline import SecondSummary, Story, owners_over_time, seconds_of

WIDTH, HEIGHT = 960.0, 160.0


def write_page(
    path: Path,
    story: Story,
    records: Sequence[TrafficRecord],
    businesses: Sequence[str],
    verdicts: Sequence[LedgerReport],
) -> None:
    """Everything in one file: no script, nothing from elsewhere."""
    seconds = seconds_of(records, story.began)
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
            moves=story.told_moves(),
            owners=owners_over_time(story, businesses, ends),
            verdicts=list(zip(businesses, verdicts, strict=True)),
            clean=all(verdict.clean and not verdict.failed for verdict in verdicts),
            requests=sum(verdict.requests for verdict in verdicts),
            writes=sum(verdict.writes for verdict in verdicts),
            failed=sum(verdict.failed for verdict in verdicts),
        )
    )


def _line(seconds: Sequence[SecondSummary], ends: float, shares: Sequence[float]) -> str:
    """Points of an SVG line; 1 is the top."""
    return " ".join(
        f"{(second.at + 0.5) / ends * WIDTH:.1f},{HEIGHT - share * HEIGHT:.1f}"
        for second, share in zip(seconds, shares, strict=True)
    )
