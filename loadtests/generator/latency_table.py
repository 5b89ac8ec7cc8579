"""A table of latencies by module, with the compared adapters in adjacent lines."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from loadtests.generator.estimates import known_percentile, percentile
from loadtests.generator.rows import RequestRow

COLUMNS = ("module", "side", "requests", "p50", "p95", "p99", "max", "errors", "conflicts", "dropped")
WIDTHS = (14, 11, 9, 8, 8, 8, 9, 7, 10, 8)


class TableLine(NamedTuple):
    """One module through one adapter; latencies in milliseconds, None where there are too few rows."""

    module: str
    side: str
    requests: int
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None
    errors: int
    conflicts: int
    dropped: int


def summarize(rows: Sequence[RequestRow]) -> list[TableLine]:
    """Summarize by module, then by adapter in the order of measurement. Errors have no latency."""
    sides = list(dict.fromkeys(row.side for row in rows))
    modules = sorted({row.module for row in rows})
    return [
        _line(module, side, [row for row in rows if (row.module, row.side) == (module, side)])
        for module in modules
        for side in sides
    ]


def format_table(lines: Iterable[TableLine]) -> str:
    """Return the table for a terminal, 92 columns wide."""
    text, previous = [_padded(COLUMNS)], None
    for line in lines:
        cells = [_cell(value) for value in line]
        text.append(_padded(["" if line.module == previous else cells[0], *cells[1:]]))
        previous = line.module
    return "\n".join(text)


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


def _line(module: str, side: str, rows: Sequence[RequestRow]) -> TableLine:
    outcomes = Counter(row.outcome for row in rows)
    milliseconds = [row.latency * 1000 for row in rows if row.outcome in ("ok", "conflict")]
    return TableLine(
        module=module,
        side=side,
        requests=len(rows),
        p50=known_percentile(milliseconds, 0.5),
        p95=known_percentile(milliseconds, 0.95),
        p99=known_percentile(milliseconds, 0.99),
        max=max(milliseconds, default=None),
        errors=outcomes["error"],
        conflicts=outcomes["conflict"],
        dropped=outcomes["dropped"],
    )


def _cell(value: str | int | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _padded(cells: Sequence[str]) -> str:
    named, figures = cells[:2], cells[2:]
    return "".join(
        [f"{cell:<{width}}" for cell, width in zip(named, WIDTHS[:2], strict=True)]
        + [f"{cell:>{width}}" for cell, width in zip(figures, WIDTHS[2:], strict=True)]
    ).rstrip()
