"""HTTP metrics count requests by route and status, and those in flight by the first labels of the route."""

import re

from contracts.chassis.admission import Priority
from contracts.chassis.database_sessions import DatabaseSessions
from contracts.chassis.http_metrics import HttpMetrics


def page_of(metrics: HttpMetrics) -> dict[str, float]:
    samples = re.findall(r"^(shop_http_\S+) (\S+)$", metrics.exposition().decode(), re.MULTILINE)
    return {name: float(value) for name, value in samples}


def test_requests_are_counted_by_route_and_status() -> None:
    sessions = DatabaseSessions("shop", {})
    metrics = HttpMetrics("shop", ["module", "page"], in_flight_labels=1, buckets=[1], folder=None, sessions=sessions)
    metrics.serving(threads=4)
    for page in ("cart", "cart", "home"):
        metrics.request_started(("web", page))
    assert page_of(metrics)['shop_http_in_flight{module="web"}'] == 3
    metrics.request_finished(("web", "cart"), 200, seconds=0.5, cpu_seconds=0.25)
    metrics.request_finished(("web", "cart"), 404, seconds=2, cpu_seconds=0.5)
    samples = page_of(metrics)
    assert samples['shop_http_in_flight{module="web"}'] == 1
    assert samples['shop_http_request_seconds_count{module="web",page="cart",status="200"}'] == 1
    assert samples['shop_http_request_seconds_bucket{le="1.0",module="web",page="cart",status="404"}'] == 0
    assert samples['shop_http_cpu_seconds_total{module="web",page="cart"}'] == 0.75
    assert (samples["shop_http_threads"], samples["shop_http_processes"]) == (4, 1)
    refused = {name: value for name, value in samples.items() if name.startswith("shop_http_refused_total")}
    assert (len(refused), set(refused.values())) == (len(Priority), {0.0}), "a rate needs the 0 before the first one"
    metrics.request_refused(Priority.SEARCH)
    assert page_of(metrics)['shop_http_refused_total{priority="search"}'] == 1


def test_requests_in_flight_may_have_no_label() -> None:
    sessions = DatabaseSessions("shop", {})
    metrics = HttpMetrics("shop", ["page"], in_flight_labels=0, buckets=[1], folder=None, sessions=sessions)
    metrics.request_started(("cart",))
    assert page_of(metrics)["shop_http_in_flight"] == 1
    metrics.request_finished(("cart",), 200, seconds=0.1, cpu_seconds=0.1)
    assert page_of(metrics)["shop_http_in_flight"] == 0
