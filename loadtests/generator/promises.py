"""Promises: the share of arrivals that were answered properly within a limit.

Errors and drops are answers that did not come, so they count as not kept. A share has neither the cliff of an error
limit nor the noise of a high percentile.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from loadtests.generator.api_client import LoadError
from loadtests.generator.journeys import SESSIONS
from loadtests.generator.quantities import parse_duration, require_name
from loadtests.generator.rows import RequestRow

DEFAULT_LIMIT_SECONDS: Final = 0.5


class PromiseLimits(NamedTuple):
    """Limits in seconds from the intended start: of a journey, else of its module, else `default`."""

    default: float = DEFAULT_LIMIT_SECONDS
    by_name: Mapping[str, float] = {}

    def limit_of(self, row: RequestRow) -> float:
        return self.by_name.get(row.journey, self.by_name.get(row.module, self.default))

    def kept(self, row: RequestRow) -> bool:
        return row.answered_properly and row.latency <= self.limit_of(row)


DEFAULT_LIMITS: Final = PromiseLimits()


class SessionCount(NamedTuple):
    """`kept` are sessions whose every request was answered `ok` within its limit.

    `ended` counts the others by the journey at which they ended and the outcome: `error`, `conflict`, `dropped`, or
    `nothing to do` where the response before left nothing to continue with.
    """

    session: str
    side: str
    begun: int
    completed: int
    kept: int
    ended: Mapping[tuple[str, str], int]


def parse_limits(texts: Iterable[str]) -> PromiseLimits:
    """Parse `500ms` (default) and `NAME=500ms` (a module or a journey). Raises LoadError."""
    limits, default = {}, DEFAULT_LIMIT_SECONDS
    for text in texts:
        name, separator, duration = text.rpartition("=")
        seconds = parse_duration(duration)
        if seconds <= 0:
            raise LoadError(f"limit {text!r}: a limit must be longer than 0")
        if not separator:
            default = seconds
            continue
        require_name(name.strip(), f"limit {text!r}", ("modules", "journeys"))
        limits[name.strip()] = seconds
    return PromiseLimits(default, limits)


def kept_share(rows: Sequence[RequestRow], limits: PromiseLimits) -> float | None:
    """Return the share of requests that kept their promise; None without any."""
    return sum(map(limits.kept, rows)) / len(rows) if rows else None


def count_sessions(rows: Iterable[RequestRow], limits: PromiseLimits) -> list[SessionCount]:
    """Count sessions by name and side, in the order of appearance.

    A session that ends with an interrupted run counts as ended.
    """
    visits: dict[tuple[str, str], dict[int, list[RequestRow]]] = {}
    for row in rows:
        if row.session:
            visits.setdefault((row.session, row.side), {}).setdefault(row.arrival, []).append(row)
    return [_count(*key, list(by_arrival.values()), limits) for key, by_arrival in visits.items()]


def _count(session: str, side: str, visits: Sequence[list[RequestRow]], limits: PromiseLimits) -> SessionCount:
    ended: dict[tuple[str, str], int] = {}
    completed = kept = 0
    for rows in visits:
        ending = _ending(session, rows)
        if ending is None:
            completed += 1
            kept += all(row.outcome != "ok" or limits.kept(row) for row in rows)
        else:
            ended[ending] = ended.get(ending, 0) + 1
    return SessionCount(session, side, len(visits), completed, kept, ended)


def _ending(session: str, rows: Sequence[RequestRow]) -> tuple[str, str] | None:
    """Return where and how a session ended early, or None for a completed one."""
    last = max(rows, key=lambda row: (row.step, row.answered))
    steps = SESSIONS[session]
    if last.outcome != "ok":
        return last.journey, last.outcome
    return None if last.step == len(steps) - 1 else (steps[last.step + 1], "nothing to do")
