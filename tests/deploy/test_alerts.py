"""The alerts fire when they should, and only then: promtool evaluates them on given series."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.observability.__main__ import written_files
from tests.deploy.monitoring import RULE_FILES, alerts
from tests.deploy.programs import program

PROMETHEUS = "apt install prometheus"


@dataclass(frozen=True)
class Case:
    """Series, in promtool's notation with a value a minute, that make the alert fire, and others that do not.

    `after` is when both are evaluated.
    """

    fires: Mapping[str, str]
    quiet: Mapping[str, str]
    after: str = "30m"


def one(series: str, fires: str, quiet: str, after: str = "30m") -> Case:
    return Case({series: fires}, {series: quiet}, after)


def requests(bad: int, good: int, hours: int) -> dict[str, str]:
    """Return requests that fail and that are answered, per minute."""
    counts = 'monolith_http_request_seconds_count{{module="pages", status="{}"}}'
    length = hours * 60
    return {counts.format("500"): f"0+{bad}x{length}", counts.format("200"): f"0+{good}x{length}"}


def slow_requests(within: int, total: int) -> dict[str, str]:
    name = 'monolith_http_request_seconds_{}{{module="pages", status="200"{}}}'
    return {name.format("bucket", ', le="0.5"'): f"0+{within}x90", name.format("count", ""): f"0+{total}x90"}


def late_events(within: int, total: int) -> dict[str, str]:
    name = 'event_consumer_delay_seconds_{}{{consumer="billing"{}}}'
    return {name.format("bucket", ', le="10.0"'): f"0+{within}x90", name.format("count", ""): f"0+{total}x90"}


def streaming(subscribed: int, streams: int) -> dict[str, str]:
    direction = '{direction="monolith to scheduling"}'
    return {
        f"replication_subscribed{direction}": f"{subscribed}x40",
        f"replication_streaming{direction}": f"{streams}x40",
    }


def failing_webhooks(failing: int, enabled: int) -> dict[str, str]:
    return {"webhook_failing": f"{failing}x40", "webhook_enabled": f"{enabled}x40"}


CASES: Mapping[str, Case] = {
    "RequestErrorBudgetBurning": Case(requests(20, 980, 2), requests(1, 999, 2), "90m"),
    "RequestLatencyBudgetBurning": Case(slow_requests(800, 1000), slow_requests(995, 1000), "90m"),
    "EventDelayBudgetBurning": Case(late_events(980, 1000), late_events(1000, 1000), "90m"),
    "ProcessDown": one('up{job="monolith-worker"}', "0x40", "0 0 1x40", "3m"),
    "BackgroundLoopStuck": one(
        'background_loop_last_success_timestamp_seconds{loop="relay"}', "60x40", "0+60x40", "30m"
    ),
    "MetricsSourceDown": one('metrics_source_up{source="mail"}', "0x40", "0 0 1x40"),
    "ConnectionPoolExhausted": one('monolith_pool_wait_seconds_sum{module="billing"}', "0+90x40", "0+30x40"),
    "SchedulingCallsRefused": one('scheduling_client_refused_total{by="breaker"}', "0+60x40", "0+1x40"),
    "OutboxNotPublished": one('outbox_oldest_seconds{database="scheduling"}', "0+60x40", "20x40"),
    "NoActiveRelay": Case(
        {'outbox_relay_active{database="scheduling", instance="a"}': "0x40"},
        {
            'outbox_relay_active{database="scheduling", instance="a"}': "0x40",
            'outbox_relay_active{database="scheduling", instance="b"}': "1x40",
        },
    ),
    "EventConsumerLagging": one('event_consumer_lag_seconds{consumer="billing"}', "0+60x40", "5x40"),
    "DeadLetters": one('event_consumer_dead_letters{consumer="billing"}', "1x40", "0x40"),
    "MailOverdue": one("mail_overdue_seconds", "0+60x40", "200x40"),
    "MailGivenUp": one("mail_failed_total", "0x5 3x40", "3x45"),
    "WebhooksOverdue": one("webhook_overdue_seconds", "0+60x40", "200x40"),
    "WebhooksFailing": Case(failing_webhooks(3, 5), failing_webhooks(2, 5)),
    "WebhooksGivenUp": one("webhook_dead_total", "0x5 3x40", "3x45"),
    "ReplicationStalled": Case(streaming(1, 0), streaming(1, 1)),
    "ReplicationLagging": one('replication_lag_seconds{direction="monolith to scheduling"}', "0+60x40", "10x40"),
    "ReplicationSlotAtRisk": one(
        'replication_slot_safe_bytes{direction="monolith to scheduling"}', "900000000x40", "4000000000x40"
    ),
    "ReplicationSlotLost": one('replication_slot_lost{direction="monolith to scheduling"}', "1x40", "0x40"),
    "ReplicationConflicts": one(
        'replication_conflicts_total{direction="monolith to scheduling", type="delete_missing"}', "0x20 2x20", "2x40"
    ),
    "ReplicationUnreachable": one('replication_reachable{direction="monolith to scheduling"}', "0x40", "1x40"),
    "CutoverStuck": one('cutover_state_seconds{state="decided"}', "0+60x40", "0x40"),
    "CutoversAborted": one('cutovers_settled_total{state="aborted"}', "0+1x40", "0x30 1x10"),
    "RecoveryRequired": one('cutover_recovery_required{database="monolith"}', "1x40", "0x40"),
    "CutoverRecoveryFailing": one('cutover_poll_failures_total{worker="recovery worker"}', "0+6x40", "6x40"),
}


def test_generated_files_are_current() -> None:
    stale = [path.name for path, content in written_files().items() if path.read_text() != content]
    assert stale == [], "run python -m deploy.observability"


def test_every_alert_has_a_case() -> None:
    assert set(CASES) == {alert["alert"] for alert in alerts()}


@pytest.mark.tools
def test_alerts_fire_in_their_case_and_not_otherwise(tmp_path: Path) -> None:
    tests = [
        evaluation(name, series, case.after, firing=firing)
        for name, case in CASES.items()
        for series, firing in ((case.fires, True), (case.quiet, False))
    ]
    run_promtool(tmp_path, tests)


@pytest.mark.tools
def test_a_wrong_expectation_is_found(tmp_path: Path) -> None:
    case = CASES["DeadLetters"]
    with pytest.raises(AssertionError, match="DeadLetters"):
        run_promtool(tmp_path, [evaluation("DeadLetters", case.quiet, case.after, firing=True)])


@pytest.mark.tools
def test_a_slow_leak_opens_a_ticket_and_pages_nobody(tmp_path: Path) -> None:
    """Errors at 1.5 times the rate of the budget, for three and a half days."""
    leak = {name: f"{values.partition('x')[0]}x{84 * 60}" for name, values in requests(3, 1997, 1).items()}
    test = evaluation("RequestErrorBudgetBurning", leak, "83h", firing=True)
    test["promql_expr_test"].append(
        {
            "expr": "count by (severity, window) (ALERTS)",
            "eval_time": "83h",
            "exp_samples": [{"labels": '{severity="ticket", window="3d"}', "value": 1}],
        }
    )
    run_promtool(tmp_path, [test])


def run_promtool(folder: Path, tests: list[dict[str, Any]]) -> None:
    file = folder / "alerts.test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(path) for path in RULE_FILES], "tests": tests}))
    command: list[str | Path] = [program("promtool", PROMETHEUS), "test", "rules", file]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def evaluation(name: str, series: Mapping[str, str], after: str, *, firing: bool) -> dict[str, Any]:
    """Return a test in promtool's format: whether at least one alert of this name fires."""
    fires = f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) > bool 0 or vector(0)'
    return {
        "interval": "1m",
        "input_series": [{"series": each, "values": values} for each, values in series.items()],
        "promql_expr_test": [
            {"expr": fires, "eval_time": after, "exp_samples": [{"labels": "{}", "value": int(firing)}]}
        ],
    }
