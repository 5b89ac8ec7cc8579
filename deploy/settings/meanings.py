"""Descriptions and defaults of all settings, for the reference."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """A description, and the value that an unset variable has; None if there is none."""

    text: str
    default: str | None = None


MEANINGS: Mapping[str, Meaning] = {
    "AVAILABILITY_CACHE_SECONDS": Meaning(
        "maximum age of a cached search result, in seconds; 0 disables the cache", "0"
    ),
    "CONSOLE_LABEL": Meaning("the deployment in a word, shown on every page of the operator console", "production"),
    "CONSOLE_MAIL_DIR": Meaning("the folder of the mail sink, whose mails the operator console shows; if unset, none"),
    "CONSOLE_PORT": Meaning("the port of the operator console", "8002"),
    "CONSOLE_URL": Meaning("the address of the operator console for browsers, and the only Host that it accepts"),
    "CUTOVER_FAILOVERS": Meaning(
        "after a failover: `ask` waits for `extraction recover`; `synchronous`, where only a standby that has every "
        "acknowledged commit is promoted, confirms a failover of a server with `synchronous_standby_names` whose "
        "leases and decisions agree",
        "ask",
    ),
    "CUTOVER_METRICS_HOST": Meaning("the address on which the cutover daemon serves its metrics", "127.0.0.1"),
    "CUTOVER_METRICS_PORT": Meaning(
        "the port on which the cutover daemon serves its metrics; if unset or 0, it serves none"
    ),
    "DATABASE_ROLE_SECRET": Meaning(
        "the secret from which the passwords of this deployment's database roles are derived. The monolith and the "
        "scheduling service have different ones. Two, NEW,OLD, during a [rotation](secrets.md); or the passwords of "
        "the process's own roles, as `extraction db passwords` prints them"
    ),
    "DATABASE_ROLE_SECRET_FILE": Meaning("the file with DATABASE_ROLE_SECRET, in place of the variable"),
    "DATA_DIR": Meaning("the folder of the demo's data", ".data"),
    "EVENT_SECRETS": Meaning(
        "the secret of relays and consumers that signs the events in the stream; during a rotation two, separated by a "
        "comma: the first signs, both are accepted. If unset, events are neither signed nor checked. Commands and the "
        "console replay dead letters with it"
    ),
    "IDEMPOTENCY_KEY_RETENTION_DAYS": Meaning(
        "days for which an idempotency key is kept, counted from its request ([retention](retention.md))", "7"
    ),
    "INBOX_RETENTION_DAYS": Meaning("days for which a consumer keeps the events that it has applied", "30"),
    "IN_PROCESS_DATABASE_DIRECT_URL": Meaning(
        "the server of IN_PROCESS_DATABASE_URL past a connection pooler; if unset, IN_PROCESS_DATABASE_URL"
    ),
    "IN_PROCESS_DATABASE_URL": Meaning(
        "a database of its own for the scheduling schema that runs in the monolith's processes, without live cutovers; "
        "if unset, the monolith's database"
    ),
    "MAIL_PORT": Meaning("the port of the pages that show the demo's mails", "8025"),
    "MAIL_RETENTION_DAYS": Meaning(
        "days for which sent or given-up mails and webhook deliveries, and past reminders, are kept", "90"
    ),
    "METRICS_TOKEN": Meaning("the bearer token that `/metrics` requires"),
    "METRICS_TOKEN_FILE": Meaning("the file with METRICS_TOKEN, in place of the variable"),
    "MONOLITH_DATABASE_DIRECT_URL": Meaning(
        "the monolith's database past a connection pooler, for LISTEN, session advisory locks, replication and "
        "set-ups; if unset, MONOLITH_DATABASE_URL. Refused if it leads to a pooler"
    ),
    "MONOLITH_DATABASE_ROLE_SECRET": Meaning(
        "the monolith's DATABASE_ROLE_SECRET, for processes that use both databases"
    ),
    "MONOLITH_DATABASE_ROLE_SECRET_FILE": Meaning(
        "the file with MONOLITH_DATABASE_ROLE_SECRET, in place of the variable"
    ),
    "MONOLITH_DATABASE_URL": Meaning(
        "the monolith's database: with an administrator's credentials for a set-up, otherwise without credentials"
    ),
    "MONOLITH_HEALTH_PORT": Meaning("the port of the monolith's health checks in the demo", "8010"),
    "MONOLITH_PORT": Meaning("the port of the monolith's web server", "8000"),
    "MONOLITH_POSTGRES_PORT": Meaning("the port of the demo's Postgres for the monolith", "5433"),
    "MONOLITH_SEEN_FROM_SCHEDULING": Meaning(
        "host:port of the monolith's database as the scheduling database reaches it, if that differs from the URL"
    ),
    "MONOLITH_WEB_URL": Meaning(
        "the monolith's web process as the console reaches it, for its readiness and metrics; if unset, PUBLIC_URL"
    ),
    "OUTBOUND_ALLOWED_NETWORKS": Meaning(
        "networks without public addresses that imported calendars and webhooks may reach nevertheless; none by default"
    ),
    "OUTBOX_RETENTION_DAYS": Meaning("days for which published events are kept", "7"),
    "PLAINTEXT_HOSTS": Meaning(
        "the hosts outside this machine that may be reached without TLS, comma separated, or `*` for all; for networks "
        "without other tenants. Databases, Redis, web processes and the addresses for browsers otherwise need TLS"
    ),
    "PROMETHEUS_MULTIPROC_DIR": Meaning(
        "the folder in which the worker processes of a web server share their metrics, emptied at the start. Required "
        "with more than one worker, or each answers with its own figures"
    ),
    "PUBLIC_URL": Meaning("the address of the monolith for browsers, and the only Host that it accepts"),
    "RATE_LIMIT_REDIS_URL": Meaning(
        "the Redis or Valkey that counts the bookings, holds and waitlist entries of customers per business and "
        "address; it may be that of the event stream. While it is unreachable, each process counts alone. If unset, "
        "they are not limited"
    ),
    "REDIS_PORT": Meaning("the port of the demo's Valkey", "6380"),
    "REDIS_URL": Meaning(
        "the Redis or Valkey of the event stream: one server, or the primary that Sentinels name. `rediss` uses TLS"
    ),
    "RELAY_METRICS_HOST": Meaning("the address on which the relay serves its metrics", "127.0.0.1"),
    "RELAY_METRICS_PORT": Meaning("the port on which the relay serves its metrics; if unset or 0, it serves none"),
    "SCHEDULING_ADAPTER": Meaning(
        "`switched` routes each business to the database that owns it; `http`, for when the extraction is final, sends "
        "every call to the scheduling service",
        "switched",
    ),
    "SCHEDULING_CALLS_AT_ONCE": Meaning(
        "concurrent calls of the scheduling service per worker process; further ones wait for at most 100 ms. Below "
        "`WEB_THREADS`, the other modules always keep free threads. If unset, three quarters of `WEB_THREADS`",
        "6",
    ),
    "SCHEDULING_DATABASE_DIRECT_URL": Meaning(
        "the scheduling service's database past a connection pooler, as MONOLITH_DATABASE_DIRECT_URL is the "
        "monolith's; if unset, SCHEDULING_DATABASE_URL"
    ),
    "SCHEDULING_DATABASE_NAME": Meaning(
        "the name of the relay's database in `extraction databases list`: `scheduling-2`, for example, for the second "
        "database of the service"
    ),
    "SCHEDULING_DATABASE_ROLE_SECRET": Meaning(
        "the scheduling service's DATABASE_ROLE_SECRET, for processes that use both databases"
    ),
    "SCHEDULING_DATABASE_ROLE_SECRET_FILE": Meaning(
        "the file with SCHEDULING_DATABASE_ROLE_SECRET, in place of the variable"
    ),
    "SCHEDULING_DATABASE_URL": Meaning(
        "the scheduling service's database: with an administrator's credentials for a set-up, otherwise without "
        "credentials"
    ),
    "SCHEDULING_HEALTH_PORT": Meaning("the port of the scheduling service's health checks in the demo", "8011"),
    "SCHEDULING_METRICS_TOKEN": Meaning(
        "the scheduling service's METRICS_TOKEN, for the console; if unset, METRICS_TOKEN"
    ),
    "SCHEDULING_PORT": Meaning("the port of the scheduling service's web server", "8001"),
    "SCHEDULING_POSTGRES_PORT": Meaning("the port of the demo's Postgres for the scheduling service", "5434"),
    "SCHEDULING_SEEN_FROM_MONOLITH": Meaning(
        "host:port of the scheduling database as the monolith's database reaches it, if that differs from the URL"
    ),
    "SCHEDULING_SERVICE_URL": Meaning("the scheduling service, as the monolith reaches it"),
    "SEARCH_REPLICA_URL": Meaning(
        "a streaming replica that answers searches of the engine in the monolith's web processes. It may be two "
        "seconds behind; searches go to the primary while it is further behind or down"
    ),
    "SERVICE_TOKEN_SIGNING_KEY": Meaning("the key with which the monolith signs its calls of the scheduling service"),
    "SERVICE_TOKEN_VERIFY_KEYS": Meaning(
        "the monolith's public key; two, separated by a comma, during a rotation of the key"
    ),
    "SMTP_PORT": Meaning("the port of the demo's mail sink", "2525"),
    "SMTP_URL": Meaning("the mail server"),
    "TRACES_PERCENT": Meaning(
        "percentage of the requests whose trace is recorded; the monolith's web process decides", "1"
    ),
    "TRACES_URL": Meaning(
        "the OTLP/HTTP address of a collector, to which traces are sent. If unset, none are recorded. Needs the extra "
        "`tracing`"
    ),
    "TRUSTED_PROXIES": Meaning(
        "the proxies whose X-Forwarded headers are trusted. If unset behind a proxy, all clients share one address, "
        "and so one limit of sign-in attempts",
        "",
    ),
    "WEB_DRAIN_SECONDS": Meaning(
        "seconds between the first SIGTERM, after which `/readyz` answers 503, and the end of accepting connections. "
        "Choose more than a load balancer takes to see it; a second SIGTERM stops at once",
        "0",
    ),
    "WEB_HEALTH_PORT": Meaning(
        "the port of a listener for health checks only, on `WEB_HOST`: `/healthz`, and `/readyz` with reasons. Its "
        "threads serve no other requests, so an overload does not look like a failure. For the private network. If "
        "unset, there are only the same paths of the web server, without reasons"
    ),
    "WEB_HOST": Meaning("the address on which a web server listens; 0.0.0.0 in a container", "127.0.0.1"),
    "WEB_THREADS": Meaning("threads, and database connections, of each worker process", "8"),
    "WEB_WORKERS": Meaning("worker processes of a web server: at most one for each processor core", "2"),
    "WORKER_METRICS_HOST": Meaning("the address on which the worker serves its metrics", "127.0.0.1"),
    "WORKER_METRICS_PORT": Meaning("the port on which the worker serves its metrics; if unset or 0, it serves none"),
}
"""By name, sorted."""
