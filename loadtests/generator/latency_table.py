"""Tables of latencies and promises by module and by journey, with the compared sides in adjacent lines."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from loadtests.generator.estimates import known_percentile, percentile
from loadtests.generator.promises import DEFAULT_LIMITS, PromiseLimits, SessionCount, kept_share
from loadtests.generator.rows import RequestRow

Grouping = Literal["module", "journey"]
FIGURES = ("requests", "p50", "p95", "p99", "max", "kept", "errors", "conflicts", "dropped")
WIDTHS = (14, 11, 9, 8, 8, 8, 9, 7, 7, 10, 8)


class TableLine(NamedTuple):
    """One module or journey of one side.

    Latencies are in milliseconds; None where there are too few rows. A percentile counts a request without a proper
    response as infinitely late, so that an overloaded system does not look faster the more it rejects; `max` is of the
    answered requests. `kept` is the share that kept its promise.
    """

    name: str
    side: str
    requests: int
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None
    kept: float | None
    errors: int
    conflicts: int
    dropped: int


def summarize(
    rows: Sequence[RequestRow], by: Grouping = "module", limits: PromiseLimits = DEFAULT_LIMITS
) -> list[TableLine]:
    """Summarize by module or journey, then by side in the order of measurement."""
    sides = list(dict.fromkeys(row.side for row in rows))
    groups = {name: [row for row in rows if getattr(row, by) == name] for name in _names(rows, by)}
    return [
        _line(name, side, [row for row in group if row.side == side], limits)
        for name, group in groups.items()
        for side in sides
    ]


def latencies_ms(rows: Iterable[RequestRow]) -> list[float]:
    """Return milliseconds from the intended start; infinity without a proper response."""
    return [row.latency * 1000 if row.answered_properly else math.inf for row in rows]


def format_table(lines: Iterable[TableLine], by: Grouping = "module") -> str:
    """Return the table for a terminal, 99 columns wide."""
    text, previous = [_padded((by, "side", *FIGURES))], None
    for line in lines:
        cells = [_cell(value) for value in line._replace(kept=None)]
        cells[line._fields.index("kept")] = format_share(line.kept)
        text.append(_padded(["" if line.name == previous else cells[0], *cells[1:]]))
        previous = line.name
    return "\n".join(text)


def format_sessions(counts: Iterable[SessionCount]) -> str:
    """Return a line for each session and side: how many were begun and completed, and where the others ended."""
    return "\n".join(map(_session_line, counts))


def format_share(share: float | None) -> str:
    """Return a percentage; only the share 1 reads as 100."""
    if share is None:
        return "-"
    return f"{min(share * 100, 100 if share == 1 else 99.9):.1f}%"


def list_errors(rows: Iterable[RequestRow]) -> list[str]:
    """Return a line for each kind of error with its count, most frequent first."""
    found = Counter((row.side, row.journey, row.status) for row in rows if row.outcome == "error")
    return [
        f"{count} × {journey} ({side}): {f'status {status}' if status else 'no response'}"
        for (side, journey, status), count in found.most_common()
    ]


def send_delay(rows: Sequence[RequestRow]) -> float | None:
    """Return the 99th percentile, in seconds, of the generator's own delay in sending requests."""
    delays = [row.sent - row.due for row in rows if row.outcome != "dropped"]
    return percentile(delays, 0.99) if delays else None


def _names(rows: Sequence[RequestRow], by: Grouping) -> list[str]:
    """Return the names of the groups; journeys follow the order of their modules."""
    order: Callable[[RequestRow], tuple[str, ...]] = (
        (lambda row: (row.module,)) if by == "module" else (lambda row: (row.module, row.journey))
    )
    return [key[-1] for key in sorted({order(row) for row in rows})]


def _line(name: str, side: str, rows: Sequence[RequestRow], limits: PromiseLimits) -> TableLine:
    outcomes, milliseconds = Counter(row.outcome for row in rows), latencies_ms(rows)
    return TableLine(
        name=name,
        side=side,
        requests=len(rows),
        p50=known_percentile(milliseconds, 0.5),
        p95=known_percentile(milliseconds, 0.95),
        p99=known_percentile(milliseconds, 0.99),
        max=max(filter(math.isfinite, milliseconds), default=None),
        kept=kept_share(rows, limits),
        errors=outcomes["error"],
        conflicts=outcomes["conflict"],
        dropped=outcomes["dropped"],
    )


def _session_line(count: SessionCount) -> str:
    side = f" ({count.side})" if count.side else ""
    ended = ", ".join(f"{number} at {journey}: {outcome}" for (journey, outcome), number in count.ended.items())
    return (
        f"{count.session}{side}: {count.completed} of {count.begun} sessions completed, "
        f"{format_share(count.kept / count.begun)} kept their promise" + (f"; ended {ended}" if ended else "")
    )


def _cell(value: str | int | float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.1f}" if math.isfinite(value) else "∞"
    return str(value)


def _padded(cells: Sequence[str]) -> str:
    named, figures = cells[:2], cells[2:]
    return "".join(
        [f"{cell:<{width}}" for cell, width in zip(named, WIDTHS[:2], strict=True)]
        + [f"{cell:>{width}}" for cell, width in zip(figures, WIDTHS[2:], strict=True)]
    ).rstrip()
