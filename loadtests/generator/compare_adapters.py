"""Compare the two adapters: a peak hour through each, with the same arrivals and choices.

Run as `python -m loadtests.generator.compare_adapters`.
"""

# Locust and gevent have few type annotations.
# mypy: disable-error-code="no-untyped-call"

# Import Locust first: it patches the standard library's sockets.
import locust.env  # isort: skip

import argparse
import signal
import sys
from pathlib import Path

import gevent
import requests

from loadtests.generator.api_client import LoadError
from loadtests.generator.businesses import read_business_file, read_businesses_of
from loadtests.generator.journeys import BACKGROUND_RATES, SESSION_MIX
from loadtests.generator.metrics import GeneratorMetrics, serve_metrics
from loadtests.generator.process_run import ProcessRun, build_load
from loadtests.generator.results import RunDescription
from loadtests.generator.run_report import SideRun, parse_claims, report_runs
from loadtests.generator.sender import EXIT_LOAD_ERROR
from loadtests.generator.workload import ANY_MODULE, Workload, sign_in_all

SCENARIO = "peak_hour"
GAUGE_SECONDS = 1.0


def main() -> None:
    """Exits with code 2 when the load could not be sent; `report_runs` describes the other codes."""
    options = _options()
    try:
        claims = parse_claims(options.threshold, options.limit, options.max_send_delay, options.junit, options.results)
        metrics = GeneratorMetrics(claims.promises)
        if options.metrics_port is not None:
            serve_metrics(metrics, options.metrics_host, options.metrics_port)
        _require_product(options.host)
        sys.exit(report_runs(_run_sides(options, metrics), claims))
    except LoadError as error:
        sys.stderr.write(f"load: {error}\n")
        sys.exit(EXIT_LOAD_ERROR)


def _run_sides(options: argparse.Namespace, metrics: GeneratorMetrics) -> list[SideRun]:
    """Send the peak hour through each adapter; Ctrl-C ends the run with the results until then."""
    runs: list[SideRun] = []
    for side in _sides(options):
        run = _send_hour(side, options, metrics)
        runs.append(run)
        if not run.report.complete:
            _print("interrupted: results until then")
            break
    return runs


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="extraction load", description=__doc__)
    parser.add_argument("--host", default="http://127.0.0.1:8000", help="the monolith's public address")
    parser.add_argument("--businesses", default=".data/load.json", help="the file written by `make load`")
    parser.add_argument("--seconds", type=_positive, default=60.0, help="length of the peak hour, per adapter")
    parser.add_argument("--rate", type=_positive, default=60.0, help="scheduling arrivals a second at the peak")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds give equal arrivals and choices")
    parser.add_argument("--threshold", action="append", default=[], help="such as scheduling.p99<800ms")
    parser.add_argument("--limit", action="append", default=[], help="limit of a promise, such as book=1s")
    parser.add_argument("--max-send-delay", default="5ms", help="limit of the generator's own delay (p99)")
    parser.add_argument("--junit", help="file for the thresholds as JUnit XML")
    parser.add_argument("--results", help="folder for the rows and the description of the run")
    parser.add_argument("--metrics-port", type=int, help="serve metrics for Prometheus on this port")
    parser.add_argument("--metrics-host", default="127.0.0.1", help="address on which metrics are served")
    return parser.parse_args()


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _require_product(host: str) -> None:
    try:
        requests.get(f"{host}/healthz", timeout=5).raise_for_status()
    except requests.RequestException:
        raise LoadError(f"no product at {host}: start `make demo` in another terminal, or set --host") from None


def _sides(options: argparse.Namespace) -> list[str]:
    """Return the adapters of the businesses, in_process first."""
    found = {business.side for business in read_business_file(Path(options.businesses)).businesses}
    return sorted(found, reverse=True)


def _send_hour(side: str, options: argparse.Namespace, metrics: GeneratorMetrics) -> SideRun:
    workload = Workload(
        scenario=SCENARIO,
        rate=options.rate,
        seconds=options.seconds,
        seed=options.seed,
        hosts={ANY_MODULE: [options.host]},
        businesses=sign_in_all(options.host, read_businesses_of(Path(options.businesses), side)),
        mix=dict(SESSION_MIX),
    )
    arrivals = workload.arrivals()
    _print(f"{side}: {len(arrivals)} arrivals in {options.seconds:g} s")
    run = ProcessRun(locust.env.Environment(), build_load(side, workload, arrivals), metrics.count)
    metrics.planned.set(len(arrivals))
    gauges, handler = gevent.spawn(_set_gauges, run, workload, metrics), gevent.signal_handler(signal.SIGINT, run.stop)
    run.run()
    handler.cancel()
    gauges.kill()
    return SideRun(_describe(side, options), run.report(), run.rows)


def _set_gauges(run: ProcessRun, workload: Workload, metrics: GeneratorMetrics) -> None:
    shape = workload.shape()
    while True:
        report = run.report()
        moment = min(1.0, report.seconds / workload.seconds)
        metrics.intended_rate.set(workload.rate * shape(moment))
        metrics.in_flight.set(len(run.load.in_flight))
        metrics.cpu.set(report.cpu)
        gevent.sleep(GAUGE_SECONDS)


def _describe(side: str, options: argparse.Namespace) -> RunDescription:
    return RunDescription(
        side=side,
        host=options.host,
        scenario=SCENARIO,
        rate=options.rate,
        seconds=options.seconds,
        seed=options.seed,
        journeys=sorted([*SESSION_MIX, *BACKGROUND_RATES]),
    )


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
