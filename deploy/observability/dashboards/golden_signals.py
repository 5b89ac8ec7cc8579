"""The golden signals of each module: traffic, latency, errors, saturation. They show the peak of a module."""

from deploy.observability.dashboards.panels import Dashboard, Panel, Section

_INTERVAL = "[$__rate_interval]"


def _rate(selector: str, by: str) -> str:
    return f"sum by ({by}) (rate({selector}{_INTERVAL}))"


def _quantile(share: float, bucket: str, by: str) -> str:
    return f"histogram_quantile({share}, {_rate(bucket, f'{by}, le')})"


_MODULES = Section(
    "Monolith: which module is at its peak",
    [
        Panel(
            "Traffic",
            "Requests per second. The module whose area grows alone is the one at its peak.",
            "reqps",
            {"{{module}}": _rate("monolith_http_request_seconds_count", "module")},
            stacked=True,
        ),
        Panel(
            "Busy threads",
            "Share of all serving threads that each module occupies. At 100 % every module waits for the busiest one.",
            "percentunit",
            {"{{module}}": "sum by (module) (monolith_http_in_flight) / scalar(sum(monolith_http_threads))"},
            limit=1.0,
            stacked=True,
        ),
        Panel(
            "Processor time",
            "Processor seconds per second, which is processor cores, of the threads that serve requests.",
            "short",
            {"{{module}}": _rate("monolith_http_cpu_seconds_total", "module")},
            stacked=True,
        ),
        Panel(
            "Latency, 95th percentile",
            "By module. A module that is slow only while another one peaks suffers from it.",
            "s",
            {"{{module}}": _quantile(0.95, "monolith_http_request_seconds_bucket", "module")},
        ),
        Panel(
            "Errors",
            "Responses with a status of 500 or more, per second.",
            "reqps",
            {"{{module}}": _rate('monolith_http_request_seconds_count{status=~"5.."}', "module")},
        ),
        Panel(
            "Share of good requests",
            "Requests without an error of the server: the objective is 99.9 % over 30 days.",
            "percentunit",
            {
                "{{module}}": _rate('monolith_http_request_seconds_count{status!~"5.."}', "module")
                + " / "
                + _rate("monolith_http_request_seconds_count", "module")
            },
        ),
        Panel(
            "Refused requests",
            "Answered with 503 before a module saw them, per second. Searches are the first to be refused.",
            "reqps",
            {"{{priority}}": _rate("monolith_http_refused_total", "priority")},
            stacked=True,
        ),
    ],
)

_DATABASE = Section(
    "Databases and connection pools",
    [
        Panel(
            "Wait for a connection",
            "Mean seconds per second that requests wait for their module's pool: the number of threads that wait.",
            "short",
            {
                "{{module}}": _rate("monolith_pool_wait_seconds_sum", "module"),
                "scheduling service": f"sum(rate(scheduling_pool_wait_seconds_sum{_INTERVAL}))",
            },
        ),
        Panel(
            "Running sessions",
            "Database sessions that execute a statement.",
            "short",
            {
                "{{module}}": 'sum by (module) (monolith_database_sessions{state="running"})',
                "service: {{module}}": 'sum by (module) (scheduling_database_sessions{state="running"})',
            },
        ),
        Panel(
            "Sessions that wait for a lock",
            "More than a few for longer than a moment: one transaction blocks the others.",
            "short",
            {
                "{{module}}": 'sum by (module) (monolith_database_sessions{state="lock"})',
                "service: {{module}}": 'sum by (module) (scheduling_database_sessions{state="lock"})',
            },
        ),
    ],
)

_SERVICE = Section(
    "Scheduling service, and the monolith's calls of it",
    [
        Panel(
            "Traffic",
            "Requests per second, by operation.",
            "reqps",
            {"{{operation}}": _rate("scheduling_http_request_seconds_count", "operation")},
            stacked=True,
        ),
        Panel(
            "Latency, 95th percentile",
            "By operation, without the network.",
            "s",
            {"{{operation}}": _quantile(0.95, "scheduling_http_request_seconds_bucket", "operation")},
        ),
        Panel(
            "Errors",
            "Responses with a status of 500 or more, per second.",
            "reqps",
            {"{{operation}}": _rate('scheduling_http_request_seconds_count{status=~"5.."}', "operation")},
        ),
        Panel(
            "Busy threads",
            "Share of the serving threads that are busy.",
            "percentunit",
            {"busy": "sum(scheduling_http_in_flight) / sum(scheduling_http_threads)"},
            limit=1.0,
        ),
        Panel(
            "Refused requests",
            "Answered with 503 before an operation saw them, per second, by priority.",
            "reqps",
            {"{{priority}}": _rate("scheduling_http_refused_total", "priority")},
            stacked=True,
        ),
        Panel(
            "Calls by outcome",
            "Calls of the monolith per second; the network and retries are included.",
            "reqps",
            {"{{outcome}}": _rate("scheduling_client_call_seconds_count", "outcome")},
            stacked=True,
        ),
        Panel(
            "Bulkhead and circuit breaker",
            "Share of the slots in use, and attempts that were refused without a request.",
            "short",
            {
                "slots in use, share": "sum(scheduling_client_calls_in_flight) / sum(scheduling_client_slots)",
                "refused by the {{by}}, per second": _rate("scheduling_client_refused_total", "by"),
                "open circuit breakers": "sum(scheduling_client_breakers_open)",
            },
        ),
    ],
)

GOLDEN_SIGNALS = Dashboard("golden-signals", "Golden signals", [_MODULES, _DATABASE, _SERVICE])
