"""What the figures of a running application say: each shortage planted, each named, with whoever suffers from it."""

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
    """Seconds a request, and mean sessions."""
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
WELL = module("billing")


def test_nothing_is_short_in_quiet_hours() -> None:
    found = diagnose(build_window({**SERVING, **WELL, **module("catalog")}))
    assert (found.resource, found.module, found.sufferers) == (None, None, ())


@pytest.mark.parametrize(
    "busy, resource, words",
    [
        (module("reports", rate=20, latency=0.05, cpu=0.045), "processor", "0.94 cores are busy of 1"),
        (module("reports", latency=0.1, pool=0.06), "pool", "waits 60.0 ms for a connection, 60%"),
        (module("reports", latency=0.2, running=0.5, locked=1.2), "lock", "1.2 of its sessions wait for a lock"),
        (module("reports", latency=0.2, running=1.8), "database", "90% of a request's time"),
        (module("reports", rate=70, latency=0.1, cpu=0.001), "threads", "7.1 of 8 threads are taken"),
    ],
    ids=["processor", "pool", "lock", "database", "threads"],
)
def test_a_shortage_is_named_with_its_module_and_figure(busy: Samples, resource: str, words: str) -> None:
    found = diagnose(build_window({**SERVING, **WELL, **busy}))
    assert (found.resource, found.module) == (resource, "reports")
    assert words in found.because
    assert len(found.remedies) >= 2
    assert "extraction lab run" in found.remedies[-1]


def test_the_processes_of_one_application_are_not_those_of_another() -> None:
    idle = {**gauge("scheduling_http_processes", 4.0), **counter("scheduling_http_request_seconds_count", 50)}
    found = diagnose(build_window({**SERVING, **module("reports", rate=20, latency=0.05, cpu=0.045), **idle}))
    assert (found.resource, found.module) == ("processor", "reports")


def test_who_waits_for_others_suffers_and_a_bulkhead_is_named() -> None:
    busy = module("reports", rate=20, latency=0.05, cpu=0.045)
    found = diagnose(build_window({**SERVING, **busy, **module("billing", latency=0.4)}))
    [sufferer] = found.sufferers
    assert (sufferer.module, round(sufferer.share, 2), round(sufferer.milliseconds)) == ("billing", 0.99, 396)
    assert any("bulkhead" in remedy for remedy in found.remedies)


def test_a_counter_that_began_again_is_no_negative_rate() -> None:
    key = SeriesKey("http_request_seconds_count", (("module", "a"),))
    window = build_window({key: [(0.0, 90.0), (50.0, 100.0), (60.0, 0.0), (100.0, 20.0)]})
    assert window.modules["a"].requests == pytest.approx(0.3)


def test_a_counter_that_came_later_than_its_page_began_at_nothing() -> None:
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


def test_a_service_without_modules_is_one() -> None:
    window = build_window(counter("scheduling_http_request_seconds_count", 50, operation="book"))
    assert list(window.modules) == ["scheduling service"]


def test_the_locks_of_a_service_are_its_own_and_not_those_of_the_module_that_calls_it() -> None:
    service = {
        **counter("scheduling_http_request_seconds_count", 500, operation="book", status="200"),
        **counter("scheduling_http_request_seconds_sum", 100, operation="book", status="200"),
        **gauge("scheduling_database_sessions", 0.2, module="scheduling", state="running"),
        **gauge("scheduling_database_sessions", 2.0, module="scheduling", state="lock"),
    }
    window = build_window({**SERVING, **WELL, **module("scheduling"), **service})
    found = diagnose(window)
    assert (found.resource, found.module) == ("lock", "scheduling service")
    assert window.modules["scheduling"].locked == 0


def test_modules_of_one_name_in_two_applications_are_two() -> None:
    another = counter("office_http_request_seconds_count", 50, module="orders")
    window = build_window({**SERVING, **module("orders"), **another})
    assert {name: each.application for name, each in window.modules.items()} == {
        "orders of shop": "shop",
        "orders of office": "office",
    }


def test_a_lock_is_named_while_no_request_has_come_out_of_it() -> None:
    stuck = gauge("shop_database_sessions", 3.0, module="reports", state="lock")
    found = diagnose(build_window({**SERVING, **WELL, **stuck}))
    assert (found.resource, found.module) == ("lock", "reports")


def test_instances_add_their_processes_but_not_the_sessions_of_the_database_that_they_share() -> None:
    samples: dict[SeriesKey, list[tuple[float, float]]] = {}
    for instance in ("a", "b"):
        samples |= counter("shop_http_request_seconds_count", 50, module="reports", instance=instance)
        samples |= gauge("shop_http_processes", 2.0, instance=instance)
        samples |= gauge("shop_database_sessions", 1.5, module="reports", state="lock", instance=instance)
    window = build_window(samples)
    assert window.serving["shop"].processes == 4
    assert (window.modules["reports"].requests, window.modules["reports"].locked) == (1.0, 1.5)


def test_an_instance_that_took_the_place_of_another_adds_nothing() -> None:
    moments = [float(moment) for moment in range(0, 101, 10)]
    samples = counter("shop_http_request_seconds_count", 50, module="reports")
    for instance, there in (("old", moments[:6]), ("new", moments[6:])):
        samples[SeriesKey("shop_http_processes", (("instance", instance),))] = [(moment, 2.0) for moment in there]
    assert build_window(samples).serving["shop"].processes == 2


def test_what_was_looked_at_a_few_times_only_is_said() -> None:
    window = build_window({**SERVING, **WELL})
    assert any(
        line.startswith("shop was looked at 2 times only") for line in format_diagnosis(window, diagnose(window))
    )


@pytest.mark.parametrize(
    "samples, words",
    [
        ({}, "not two moments"),
        ({SeriesKey("http_request_seconds_count", ()): [(0.0, 5.0)]}, "a --window of several of its scrape intervals"),
        (counter("http_request_seconds_count", 0, module="a"), "no request was counted"),
        (counter("node_cpu_seconds_total", 10), "no request was counted"),
    ],
)
def test_no_evidence_is_said(samples: Samples, words: str) -> None:
    with pytest.raises(InsufficientData, match=words):
        build_window(samples)


def test_it_is_told_in_lines_that_fit_a_terminal() -> None:
    window = build_window({**SERVING, **WELL, **module("reports", rate=20, latency=0.05, cpu=0.045)})
    lines = list(format_diagnosis(window, diagnose(window)))
    assert any(line.startswith("The bottleneck is reports, of the processor: ") for line in lines)
    assert any(line.startswith("reports") and "0.90" in line for line in lines)
