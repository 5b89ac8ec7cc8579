"""From raw rows to a table: latency per module, the topologies side by side."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from loadtests.generator.estimates import percentile

RequestOutcome = Literal["ok", "conflict", "error", "dropped"]
MIN_ROWS_BEYOND = 2
"""A percentile with fewer rows beyond it is an anecdote, and is left out."""

COLUMNS = ("module", "side", "requests", "p50", "p95", "p99", "max", "errors", "conflicts", "dropped")
WIDTHS = (14, 11, 9, 8, 8, 8, 9, 7, 10, 8)


class RequestRow(NamedTuple):
    """One arrival. Moments are in seconds on one clock: when it was due, when it was sent, when it was answered.

    A conflict is an answer (somebody else was faster), an error is none; a dropped arrival was never sent. `status` is
    HTTP's, or 0 when there was no answer at all.
    """

    side: str
    module: str
    journey: str
    due: float
    sent: float
    answered: float
    outcome: RequestOutcome
    status: int = 0

    @property
    def latency(self) -> float:
        """What the person felt: from when they meant to ask."""
        return self.answered - self.due


class TableLine(NamedTuple):
    """One module on one side; milliseconds, None where there are too few rows."""

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
    """By module, then in the order in which the sides were run. Latency is that of answers; errors have none."""
    sides = list(dict.fromkeys(row.side for row in rows))
    modules = sorted({row.module for row in rows})
    return [
        _line(module, side, [row for row in rows if (row.module, row.side) == (module, side)])
        for module in modules
        for side in sides
    ]


def format_table(lines: Iterable[TableLine]) -> str:
    """For a terminal, 92 columns wide."""
    text, previous = [_padded(COLUMNS)], None
    for line in lines:
        cells = [_cell(value) for value in line]
        text.append(_padded(["" if line.module == previous else cells[0], *cells[1:]]))
        previous = line.module
    return "\n".join(text)


def list_errors(rows: Iterable[RequestRow]) -> list[str]:
    """What went wrong how often, the most frequent first; one line each."""
    found = Counter((row.side, row.journey, row.status) for row in rows if row.outcome == "error")
    return [
        f"{count} × {journey} ({side}): {f'status {status}' if status else 'no answer'}"
        for (side, journey, status), count in found.most_common()
    ]


def send_lateness(rows: Sequence[RequestRow]) -> float | None:
    """The 99th percentile, in seconds, of how late requests were sent: the generator's own fault, not the server's."""
    late = [row.sent - row.due for row in rows if row.outcome != "dropped"]
    return percentile(late, 0.99) if late else None


def _line(module: str, side: str, rows: Sequence[RequestRow]) -> TableLine:
    outcomes = Counter(row.outcome for row in rows)
    milliseconds = [row.latency * 1000 for row in rows if row.outcome in ("ok", "conflict")]
    return TableLine(
        module=module,
        side=side,
        requests=len(rows),
        p50=_percentile(milliseconds, 0.5),
        p95=_percentile(milliseconds, 0.95),
        p99=_percentile(milliseconds, 0.99),
        max=max(milliseconds, default=None),
        errors=outcomes["error"],
        conflicts=outcomes["conflict"],
        dropped=outcomes["dropped"],
    )


def _percentile(values: Sequence[float], share: float) -> float | None:
    enough = len(values) * (1 - share) >= MIN_ROWS_BEYOND
    return percentile(values, share) if enough else None


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
