"""Line charts as SVG, rendered on the server, without inline styles. The legend has the figures as text."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 10, 24
SPAN = timedelta(minutes=15)
GAP = timedelta(seconds=35)

Points = Sequence[tuple[datetime, float]]


def line_chart(
    title: str, series: Mapping[str, Points], *, unit: str = "", gap: timedelta = GAP, now: datetime | None = None
) -> Markup:
    """Return a chart of the last 15 minutes, with one line for each series. Times are in UTC.

    The legend has the latest and the highest value of each, for readers who do not see the lines.
    Points that are further apart than `gap` are not joined.
    """
    end = now or max((points[-1][0] for points in series.values() if points), default=datetime.now(UTC))
    top = nice_ceiling(max((value for points in series.values() for _, value in points), default=0.0))
    lines = "".join(
        f'<path class="line series-{number}" d="{_path(points, end, top, gap)}"/>'
        for number, points in enumerate(series.values(), 1)
    )
    legend = "".join(
        f'<li class="series-{number}">{escape(name)}{_figures(points, end, unit)}</li>'
        for number, (name, points) in enumerate(series.items(), 1)
    )
    # Names are escaped; the rest are numbers.
    return Markup(  # noqa: S704
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}, last 15 minutes">'
        f'{_axes(end, top, unit)}{lines}</svg><ul class="legend">{legend}</ul></figure>'
    )


def nice_ceiling(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50, … that is not smaller."""
    if value <= 0:
        return 1.0
    scale = 1.0
    while scale * 10 <= value:
        scale *= 10
    while scale > value:
        scale /= 10
    return next(step * scale for step in (1, 2, 5, 10) if step * scale >= value)


def _path(points: Points, end: datetime, top: float, gap: timedelta) -> str:
    parts: list[str] = []
    previous: datetime | None = None
    for at, value in points:
        age = (end - at).total_seconds()
        if age > SPAN.total_seconds():
            continue
        x = WIDTH - _RIGHT - age / SPAN.total_seconds() * (WIDTH - _LEFT - _RIGHT)
        y = HEIGHT - _BOTTOM - min(value, top) / top * (HEIGHT - _TOP - _BOTTOM)
        is_start = previous is None or at - previous > gap
        parts.append(f"{'M' if is_start else 'L'}{x:.0f} {y:.0f}")
        previous = at
    return "".join(parts)


def _figures(points: Points, end: datetime, unit: str) -> str:
    values = [value for at, value in points if end - at <= SPAN]
    if not values:
        return ""
    now, most = (f"{each:,.0f}" if each >= 100 else f"{each:.3g}" for each in (values[-1], max(values)))
    return f" <small>now {now}{escape(unit)}, at most {most}{escape(unit)}</small>"


def _axes(end: datetime, top: float, unit: str) -> str:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    rows = "".join(
        f'<path class="grid" d="M{_LEFT} {y:.0f}H{right}"/>'
        f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{share * top:g}{escape(unit)}</text>'
        for share in (0.0, 0.5, 1.0)
        for y in [bottom - share * (bottom - _TOP)]
    )
    times = "".join(
        f'<text class="tick" x="{right - minutes / 15 * (right - _LEFT):.0f}" y="{HEIGHT - 6}" '
        f'text-anchor="{"end" if minutes == 0 else "middle"}">{end - timedelta(minutes=minutes):%H:%M}</text>'
        for minutes in (0, 5, 10, 15)
    )
    return rows + times
