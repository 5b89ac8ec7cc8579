"""Diagnosis of constructed samples: each bottleneck is named with its module, resource and affected modules."""

import pytest

from loadtests.evidence.diagnosis import diagnose
from loadtests.evidence.text import format_diagnosis
from loadtests.evidence.window import InsufficientData, Samples, SeriesKey, build_window

SECONDS = 100.0


def counter(name: str, total: float, **labels: str) -> dict[SeriesKey, list[tuple[float, float]]]:
    return {SeriesKey(name, tuple(sorted(labels.items()))): [(0.0, 5.0), (SECONDS, 5.0 + total)]}


def gauge(name: str, value: float, **labels: str) -> dict[SeriesKey, list[tuple[float, float]]]:
    return {SeriesKey(name, tuple(sorted(labels.items()))): [(0.0, value), (SECONDS, value)]}


def module(
    name: str,
    *,
    rate: float = 10.0,
    latency: float = 0.01,
    cpu: float = 0.004,
    pool: float = 0.0,
    running: float = 0.0,
    locked: float = 0.0,
) -> dict[SeriesKey, list[tuple[float, float]]]:
    """Return the series of one module: seconds per request, and mean sessions."""
    requests = rate * SECONDS
    about = {"module": name, "endpoint": f"{name}.main", "status": "200"}
    return {
        **counter("shop_http_request_seconds_count", requests, **about),
        **counter("shop_http_request_seconds_sum", requests * latency, **about),
        **counter("shop_http_request_seconds_bucket", requests * 0.9, le="0.1", **about),
        **counter("shop_http_request_seconds_bucket", requests, le="+Inf", **about),
        **counter("shop_http_cpu_seconds_total", requests * cpu, module=name, endpoint=f"{name}.main"),
        **counter("shop_pool_wait_seconds_sum", requests * pool, module=name),
        **gauge("shop_database_sessions", running, module=name, state="running"),
        **gauge("shop_database_sessions", locked, module=name, state="lock"),
        **gauge("shop_http_in_flight", rate * latency, module=name),
    }


SERVING = {**gauge("shop_http_processes", 1.0), **gauge("shop_http_threads", 8.0)}
HEALTHY = module("billing")


def test_idle_application_has_no_bottleneck() -> None:
    found = diagnose(build_window({**SERVING, **HEALTHY, **module("catalog")}))
    assert (found.resource, found.module, found.affected) == (None, None, ())


@pytest.mark.parametrize(
    "busy, resource, because",
    [
        (module("reports", rate=20, latency=0.05, cpu=0.045), "processor", "0.94 cores are busy of 1"),
        (module("reports", latency=0.1, pool=0.06), "pool", "waits 60.0 ms for a connection, 60%"),
        (module("reports", latency=0.2, running=0.5, locked=1.2), "lock", "1.2 of its sessions wait for a lock"),
        (module("reports", latency=0.2, running=1.8), "database", "90% of a request's time"),
        (module("reports", rate=70, latency=0.1, cpu=0.001), "threads", "7.1 of 8 threads are busy"),
    ],
    ids=["processor", "pool", "lock", "database", "threads"],
)
def test_bottleneck_is_named_with_module_and_figure(busy: Samples, resource: str, because: str) -> None:
    found = diagnose(build_window({**SERVING, **HEALTHY, **busy}))
    assert (found.resource, found.module) == (resource, "reports")
    assert because in found.because
    assert len(found.remedies) >= 2
    assert "extraction lab run" in found.remedies[-1]


def test_processes_are_counted_per_application() -> None:
    idle = {**gauge("scheduling_http_processes", 4.0), **counter("scheduling_http_request_seconds_count", 50)}
    found = diagnose(build_window({**SERVING, **module("reports", rate=20, latency=0.05, cpu=0.045), **idle}))
    assert (found.resource, found.module) == ("processor", "reports")


def test_waiting_module_is_affected_and_a_bulkhead_is_suggested() -> None:
    busy = module("reports", rate=20, latency=0.05, cpu=0.045)
    found = diagnose(build_window({**SERVING, **busy, **module("billing", latency=0.4)}))
    [affected] = found.affected
    assert (affected.module, round(affected.share, 2), round(affected.milliseconds)) == ("billing", 0.99, 396)
    assert any("bulkhead" in remedy for remedy in found.remedies)


def test_counter_reset_gives_no_negative_rate() -> None:
    key = SeriesKey("http_request_seconds_count", (("module", "a"),))
    window = build_window({key: [(0.0, 90.0), (50.0, 100.0), (60.0, 0.0), (100.0, 20.0)]})
    assert window.modules["a"].requests == pytest.approx(0.3)


def test_counter_missing_from_the_first_scrape_starts_at_zero() -> None:
    first = SeriesKey("http_request_seconds_count", (("module", "a"), ("page", "0"), ("status", "200")))
    late = SeriesKey("http_request_seconds_count", (("module", "a"), ("page", "0"), ("status", "500")))
    other = SeriesKey("http_request_seconds_count", (("module", "a"), ("page", "1"), ("status", "200")))
    samples: Samples = {
        first: [(0.0, 10.0), (100.0, 30.0)],
        late: [(50.0, 5.0), (100.0, 10.0)],
        other: [(60.0, 700.0), (100.0, 710.0)],
    }
    found = build_window(samples).modules["a"]
    assert found.requests == pytest.approx(0.4)
    assert found.errors == pytest.approx(0.1)


def test_service_without_modules_is_one_module() -> None:
    window = build_window(counter("scheduling_http_request_seconds_count", 50, operation="book"))
    assert list(window.modules) == ["scheduling service"]


def test_locks_of_a_service_do_not_count_for_the_calling_module() -> None:
    service = {
        **counter("scheduling_http_request_seconds_count", 500, operation="book", status="200"),
        **counter("scheduling_http_request_seconds_sum", 100, operation="book", status="200"),
        **gauge("scheduling_database_sessions", 0.2, module="scheduling", state="running"),
        **gauge("scheduling_database_sessions", 2.0, module="scheduling", state="lock"),
    }
    window = build_window({**SERVING, **HEALTHY, **module("scheduling"), **service})
    found = diagnose(window)
    assert (found.resource, found.module) == ("lock", "scheduling service")
    assert window.modules["scheduling"].locked == 0


def test_modules_of_two_applications_with_one_name_are_distinct() -> None:
    another = counter("office_http_request_seconds_count", 50, module="orders")
    window = build_window({**SERVING, **module("orders"), **another})
    assert {name: each.application for name, each in window.modules.items()} == {
        "orders of shop": "shop",
        "orders of office": "office",
    }


def test_lock_is_found_while_no_request_completes() -> None:
    stuck = gauge("shop_database_sessions", 3.0, module="reports", state="lock")
    found = diagnose(build_window({**SERVING, **HEALTHY, **stuck}))
    assert (found.resource, found.module) == ("lock", "reports")


def test_instances_add_processes_but_share_database_sessions() -> None:
    samples: dict[SeriesKey, list[tuple[float, float]]] = {}
    for instance in ("a", "b"):
        samples |= counter("shop_http_request_seconds_count", 50, module="reports", instance=instance)
        samples |= gauge("shop_http_processes", 2.0, instance=instance)
        samples |= gauge("shop_database_sessions", 1.5, module="reports", state="lock", instance=instance)
    window = build_window(samples)
    assert window.serving["shop"].processes == 4
    assert (window.modules["reports"].requests, window.modules["reports"].locked) == (1.0, 1.5)


def test_replaced_instance_is_not_counted_twice() -> None:
    moments = [float(moment) for moment in range(0, 101, 10)]
    samples = counter("shop_http_request_seconds_count", 50, module="reports")
    for instance, there in (("old", moments[:6]), ("new", moments[6:])):
        samples[SeriesKey("shop_http_processes", (("instance", instance),))] = [(moment, 2.0) for moment in there]
    assert build_window(samples).serving["shop"].processes == 2


def test_few_scrapes_give_a_warning() -> None:
    window = build_window({**SERVING, **HEALTHY})
    assert any(line.startswith("shop was scraped only 2 times") for line in format_diagnosis(window, diagnose(window)))


@pytest.mark.parametrize(
    "samples, message",
    [
        ({}, "at least two scrapes"),
        ({SeriesKey("http_request_seconds_count", ()): [(0.0, 5.0)]}, "a --window of several scrape intervals"),
        (counter("http_request_seconds_count", 0, module="a"), "no request was counted"),
        (counter("node_cpu_seconds_total", 10), "no request was counted"),
    ],
)
def test_insufficient_data_is_reported(samples: Samples, message: str) -> None:
    with pytest.raises(InsufficientData, match=message):
        build_window(samples)


def test_text_has_the_bottleneck_and_the_table() -> None:
    window = build_window({**SERVING, **HEALTHY, **module("reports", rate=20, latency=0.05, cpu=0.045)})
    lines = list(format_diagnosis(window, diagnose(window)))
    assert any(line.startswith("The bottleneck is reports, limited by the processor: ") for line in lines)
    assert any(line.startswith("reports") and "0.90" in line for line in lines)
