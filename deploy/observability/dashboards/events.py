"""The way of an event: outbox, relay, stream, consumer, mail, webhook."""

from deploy.observability.dashboards.panels import Dashboard, Panel, Section

_OUTBOX = Section(
    "Outbox and relay",
    [
        Panel(
            "Oldest unpublished event",
            "Age of the oldest event that the relay has not published.",
            "s",
            {"{{database}}": "max by (database) (outbox_oldest_seconds)"},
            limit=30.0,
        ),
        Panel(
            "Unpublished events",
            "Committed, and not in the stream yet.",
            "short",
            {"{{database}}": "max by (database) (outbox_waiting)"},
        ),
        Panel(
            "Published events",
            "Per second; published again after Redis lost them.",
            "ops",
            {
                "{{database}}": "sum by (database) (rate(outbox_published_total[$__rate_interval]))",
                "again: {{database}}": "sum by (database) (rate(outbox_published_again_total[$__rate_interval]))",
                "active relays: {{database}}": "sum by (database) (outbox_relay_active)",
            },
        ),
    ],
)

_CONSUMERS = Section(
    "Consumers",
    [
        Panel(
            "Lag",
            "Age of the oldest entry of the stream that the consumer has not applied.",
            "s",
            {"{{consumer}}": "max by (consumer) (event_consumer_lag_seconds)"},
            limit=60.0,
        ),
        Panel(
            "Delay of applied events",
            "From the change to its effect: the objective is 10 s for 99.9 % over 30 days.",
            "s",
            {
                f"{{{{consumer}}}}, {percent}th percentile": f"histogram_quantile({percent / 100}, "
                "sum by (consumer, le) (rate(event_consumer_delay_seconds_bucket[$__rate_interval])))"
                for percent in (50, 99)
            },
        ),
        Panel(
            "Entries not applied",
            "Not delivered, and delivered but pending.",
            "short",
            {
                "{{consumer}}": "max by (consumer) (event_consumer_lag)",
                "pending: {{consumer}}": "max by (consumer) (event_consumer_pending)",
                "early: {{consumer}}": "max by (consumer) (event_consumer_early_events)",
                "stream": "max(event_stream_entries)",
            },
        ),
        Panel(
            "Applied events",
            "Per second, and attempts that failed.",
            "ops",
            {
                "{{consumer}}": "sum by (consumer) (rate(event_consumer_delay_seconds_count[$__rate_interval]))",
                "failed: {{consumer}}": "sum by (consumer) (rate(event_consumer_failed_attempts_total[5m]))",
            },
        ),
        Panel(
            "Dead letters",
            "Events that could not be applied and wait for an operator.",
            "short",
            {"{{consumer}}": "max by (consumer) (event_consumer_dead_letters)"},
            limit=1.0,
        ),
        Panel(
            "Since the last successful step of a loop",
            "Of the worker and of the relay.",
            "s",
            {"{{job}}, {{loop}}": "time() - max by (job, loop) (background_loop_last_success_timestamp_seconds)"},
            limit=60.0,
        ),
    ],
)

_MAIL = Section(
    "Mail",
    [
        Panel(
            "Oldest due mail",
            "How long the oldest notification has been due; reminders that have not become mails yet.",
            "s",
            {"mail": "max(mail_overdue_seconds)", "reminder": "max(mail_reminder_overdue_seconds)"},
            limit=300.0,
        ),
        Panel(
            "Queue",
            "Notifications that are not sent yet, deferred ones included.",
            "short",
            {"pending": "max(mail_pending)"},
        ),
        Panel(
            "Delivery",
            "Notifications per second: sent, deferred, given up.",
            "ops",
            {
                "sent": "sum(rate(mail_sent_total[$__rate_interval]))",
                "deferred": "sum(rate(mail_deferred_total[$__rate_interval]))",
                "given up": "sum(rate(mail_failed_total[$__rate_interval]))",
            },
        ),
    ],
)

_WEBHOOKS = Section(
    "Webhooks",
    [
        Panel(
            "Oldest due delivery",
            "How long it has waited for a sender. A failed delivery is not due until its next attempt.",
            "s",
            {"delivery": "max(webhook_overdue_seconds)"},
            limit=300.0,
        ),
        Panel(
            "Receivers",
            "Webhooks that are not disabled, those whose last delivery failed, and deliveries that wait.",
            "short",
            {
                "enabled": "max(webhook_enabled)",
                "failing": "max(webhook_failing)",
                "deliveries that wait": "max(webhook_pending)",
            },
        ),
        Panel(
            "Deliveries",
            "Per second: accepted, failed and to be repeated, dead.",
            "ops",
            {
                "accepted": "sum(rate(webhook_delivered_total[$__rate_interval]))",
                "failed": "sum(rate(webhook_failed_total[$__rate_interval]))",
                "dead": "sum(rate(webhook_dead_total[$__rate_interval]))",
            },
        ),
    ],
)

EVENTS = Dashboard("events", "Events, mail and webhooks", [_OUTBOX, _CONSUMERS, _MAIL, _WEBHOOKS])
