"""The extraction while it runs: owners, cutovers, replication in both directions, shadow reads."""

from deploy.observability.dashboards.panels import Dashboard, Panel, Section

# Every cutover daemon serves the same figures of replication and cutovers, so the maximum of all is one of them.
_CUTOVERS = Section(
    "Cutovers",
    [
        Panel(
            "Businesses by owner",
            "The progress of the extraction.",
            "short",
            {"{{owner}}": "max by (owner) (cutover_businesses)"},
            stacked=True,
        ),
        Panel(
            "Unsettled cutovers",
            "By state. `decided` and `fenced` last milliseconds: a line that stays is a business whose writes wait.",
            "short",
            {"{{state}}": "max by (state) (cutovers_unsettled)"},
        ),
        Panel(
            "Overdue fence",
            "How long the deadline of a fence has passed. The daemon recovers it within about half a second.",
            "s",
            {"overdue": "max(cutover_fence_overdue_seconds)"},
            limit=5.0,
        ),
        Panel(
            "Pause of writes",
            "From the fence to the activation of the new owner.",
            "s",
            {
                f"{percent}th percentile": f"histogram_quantile({percent / 100}, max by (le) "
                "(increase(cutover_pause_seconds_bucket[10m])))"
                for percent in (50, 95)
            },
        ),
        Panel(
            "Settled",
            "Cutovers per second by outcome, and those that a daemon recovered.",
            "ops",
            {
                "{{state}}": "max by (state) (rate(cutovers_settled_total[$__rate_interval]))",
                "recovered: {{outcome}}": "sum by (outcome) (rate(cutover_recoveries_total[$__rate_interval]))",
            },
        ),
        Panel(
            "Rollback policies",
            "Businesses that move back by themselves if their calls fail or are slow.",
            "short",
            {"active": "max(cutover_rollback_policies)"},
        ),
    ],
)

_REPLICATION = Section(
    "Replication",
    [
        Panel(
            "Lag",
            "Age of the oldest change that the subscriber has not confirmed.",
            "s",
            {"{{direction}}": "max by (direction) (replication_lag_seconds)"},
            limit=60.0,
        ),
        Panel(
            "Lag in bytes",
            "WAL that the subscriber has not confirmed.",
            "bytes",
            {"{{direction}}": "max by (direction) (replication_lag_bytes)"},
        ),
        Panel(
            "Streaming",
            "1 while changes flow; reachable is 0 while a database does not answer.",
            "short",
            {
                "{{direction}}": "max by (direction) (replication_streaming)",
                "reachable: {{direction}}": "max by (direction) (replication_reachable)",
            },
        ),
        Panel(
            "WAL that the slot retains",
            "Kept on the publisher's disk while a subscriber is away; `left`: how much more, until the slot is lost.",
            "bytes",
            {
                "{{direction}}": "max by (direction) (replication_slot_retained_bytes)",
                "left: {{direction}}": "min by (direction) (replication_slot_safe_bytes)",
            },
        ),
        Panel(
            "Errors and conflicts",
            "Per second. Each needs an explanation: with one owner per business, none is expected.",
            "ops",
            {
                "{{direction}}, {{phase}}": "max by (direction, phase) (rate(replication_errors_total[5m]))",
                "{{direction}}, {{type}}": "max by (direction, type) (rate(replication_conflicts_total[5m]))",
            },
        ),
        Panel(
            "Tables by the state of their copy",
            "During the initial copy; afterwards all are ready.",
            "short",
            {"{{direction}}, {{state}}": "max by (direction, state) (replication_tables)"},
        ),
    ],
)

_DAEMON = Section(
    "Recovery, and shadow reads",
    [
        Panel(
            "Since the last successful step of a loop",
            "The recovery worker steps four times a second.",
            "s",
            {"{{job}}, {{loop}}": "time() - max by (job, loop) (background_loop_last_success_timestamp_seconds)"},
            limit=60.0,
        ),
        Panel(
            "Polls that found no database",
            "Per second, by worker of the daemon.",
            "ops",
            {"{{worker}}": "sum by (worker) (rate(cutover_poll_failures_total[$__rate_interval]))"},
        ),
        Panel(
            "Shadow reads",
            "Reads that also went to the other database, per second, by outcome.",
            "ops",
            {"{{outcome}}": "sum by (outcome) (rate(monolith_shadow_reads_total[$__rate_interval]))"},
            stacked=True,
        ),
    ],
)

CUTOVER = Dashboard("cutover", "Cutover and replication", [_CUTOVERS, _REPLICATION, _DAEMON])
