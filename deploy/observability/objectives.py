"""Service level objectives, as Prometheus rules: the share of bad events in each window, and burn-rate alerts.

Each alert compares a long window, which proves that much of the error budget was spent, with a short one, which proves
that it is still being spent (https://sre.google/workbook/alerting-on-slos/).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PERIOD_DAYS: Final = 30
RUNBOOKS: Final = "deploy/runbooks"


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective over 30 days. `bad` is the share of bad events in a range `WINDOW`, and `budget` is its maximum."""

    name: str
    alert: str
    promise: str
    bad: str
    budget: float


@dataclass(frozen=True, slots=True)
class BurnRate:
    """An alert on spending the budget `factor` times as fast as the objective allows."""

    severity: str
    factor: float
    long: str
    short: str
    hold: str


OBJECTIVES: Final = (
    Objective(
        "request_errors",
        "RequestErrorBudgetBurning",
        "99.9 % of requests are answered without an error of the server",
        'sum(rate(monolith_http_request_seconds_count{module!="operating", status=~"5.."}[WINDOW]))'
        ' / sum(rate(monolith_http_request_seconds_count{module!="operating"}[WINDOW]))',
        0.001,
    ),
    Objective(
        "slow_requests",
        "RequestLatencyBudgetBurning",
        "99 % of requests are answered within 0.5 s",
        '1 - sum(rate(monolith_http_request_seconds_bucket{module!="operating", le="0.5"}[WINDOW]))'
        ' / sum(rate(monolith_http_request_seconds_count{module!="operating"}[WINDOW]))',
        0.01,
    ),
    Objective(
        "late_events",
        "EventDelayBudgetBurning",
        "99.9 % of events are applied within 10 s of the change",
        '1 - sum(rate(event_consumer_delay_seconds_bucket{le="10.0"}[WINDOW]))'
        " / sum(rate(event_consumer_delay_seconds_count[WINDOW]))",
        0.001,
    ),
)

BURN_RATES: Final = (
    BurnRate("page", 14.4, "1h", "5m", "2m"),
    BurnRate("page", 6, "6h", "30m", "15m"),
    BurnRate("ticket", 3, "1d", "2h", "1h"),
    BurnRate("ticket", 1, "3d", "6h", "3h"),
)
"""They fire after 2 %, 5 %, 10 % and 10 % of the budget of 30 days."""

_HEAD = """\
# Written by `python -m deploy.observability` from deploy/observability/objectives.py. Objectives over 30 days:
"""


def rules() -> str:
    """Return the rules file."""
    promises = "".join(f"#   {each.promise}\n" for each in OBJECTIVES)
    lines = (line for objective in OBJECTIVES for line in _group(objective))
    return f"{_HEAD}{promises}groups:\n" + "\n".join(lines) + "\n"


def _group(objective: Objective) -> Iterator[str]:
    yield f"  - name: objective-{objective.name}"
    yield "    rules:"
    for window in dict.fromkeys(window for rate in BURN_RATES for window in (rate.short, rate.long)):
        yield f"      - record: {_record(objective, window)}"
        yield f"        expr: {_quoted(objective.bad.replace('WINDOW', window))}"
    for rate in BURN_RATES:
        yield from _alert(objective, rate)


def _alert(objective: Objective, rate: BurnRate) -> Iterator[str]:
    limit = f"{rate.factor * objective.budget:.4g}"
    long, short = _record(objective, rate.long), _record(objective, rate.short)
    yield f"      - alert: {objective.alert}"
    yield f"        expr: {long} > {limit} and {short} > {limit}"
    yield f"        for: {rate.hold}"
    yield f"        labels: {{ severity: {rate.severity}, window: {rate.long} }}"
    yield "        annotations:"
    yield f"          summary: {_quoted(f'{objective.promise}: the error budget burns {rate.factor:g} times too fast')}"
    yield f"          runbook: {RUNBOOKS}/{objective.alert}.md"


def _record(objective: Objective, window: str) -> str:
    return f"objective:{objective.name}:ratio_rate{window}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
