"""Compare the two adapters: a peak hour through each, with the same arrivals.

Run as `python -m loadtests.generator.compare_adapters`.
"""

# Locust and gevent have few type annotations.
# mypy: disable-error-code="no-untyped-call"

# Import Locust first: it patches the standard library's sockets.
import locust.env  # isort: skip

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
import requests
from locust.runners import LocalRunner

from loadtests.generator.api_client import LoadError
from loadtests.generator.businesses import read_business_file
from loadtests.generator.journeys import plan_arrivals
from loadtests.generator.latency_table import format_table, list_errors, send_delay, summarize
from loadtests.generator.locust_user import EXIT_LOAD_ERROR
from loadtests.generator.locustfile import PeakHour
from loadtests.generator.rows import RequestRow

MAX_DELAY_SECONDS = 0.005
MAX_CPU = 0.85


def main() -> None:
    """Exits with code 2 when the load could not be sent, and 1 when some requests failed."""
    options = _options()
    rows: list[RequestRow] = []
    try:
        _require_product(options.host)
        for side in _sides(options):
            _send_hour(side, options, rows)
    except LoadError as error:
        sys.stderr.write(f"load: {error}\n")
        sys.exit(EXIT_LOAD_ERROR)
    except KeyboardInterrupt:
        _print("interrupted: results until then")
    _report(rows)
    sys.exit(any(row.outcome == "error" for row in rows))


def _report(rows: list[RequestRow]) -> None:
    _print("\n" + format_table(summarize(rows)))
    _print("\nmilliseconds from the intended start; a dash: too few requests beyond the percentile")
    for line in list_errors(rows):
        _print(line)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="extraction load", description=__doc__)
    parser.add_argument("--host", default="http://127.0.0.1:8000", help="the monolith's public address")
    parser.add_argument("--businesses", default=".data/load.json", help="the file written by `make load`")
    parser.add_argument("--seconds", type=_positive, default=60.0, help="length of the peak hour, per adapter")
    parser.add_argument("--rate", type=_positive, default=60.0, help="scheduling requests a second at the peak")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds give equal arrivals")
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


def _send_hour(side: str, options: argparse.Namespace, rows: list[RequestRow]) -> None:
    """Send the peak hour, and append each row immediately, so that Ctrl-C loses none."""
    options.side, options.scenario = side, "peak_hour"
    arrivals = plan_arrivals(options.rate, options.seconds, options.seed)
    _print(f"{side}: {len(arrivals)} arrivals in {options.seconds:g} s")
    environment = locust.env.Environment(user_classes=[PeakHour], host=options.host, parsed_options=options)
    first = len(rows)
    environment.events.request.add_listener(lambda context, **_: rows.append(context["row"]))
    runner = environment.create_local_runner()
    cpu, began = time.process_time(), time.perf_counter()
    with _interruptible(runner):
        runner.start(1, spawn_rate=1)
        runner.greenlet.join()
    if environment.process_exit_code:
        sys.exit(environment.process_exit_code)
    _print(_describe_validity(rows[first:], (time.process_time() - cpu) / (time.perf_counter() - began)))


@contextmanager
def _interruptible(runner: LocalRunner) -> Iterator[None]:
    """End the runner on Ctrl-C, and then raise KeyboardInterrupt outside of gevent's loop, which prints tracebacks."""
    pressed: list[bool] = []

    def end() -> None:
        pressed.append(True)
        runner.quit()

    handler = gevent.signal_handler(signal.SIGINT, end)
    yield
    handler.cancel()
    if pressed:
        raise KeyboardInterrupt


def _describe_validity(rows: list[RequestRow], cpu: float) -> str:
    """Return the generator's send delay and CPU use, with a warning when they may have affected the latencies."""
    delay = send_delay(rows) or 0.0
    text = f"  generator: p99 of the send delay {delay * 1000:.1f} ms, {cpu:.0%} of a core"
    if delay > MAX_DELAY_SECONDS or cpu > MAX_CPU:
        text += "\n  warning: the generator lacked CPU time, so the latencies include its own delay"
    return text


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
