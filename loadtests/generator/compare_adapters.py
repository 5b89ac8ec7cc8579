"""Compare the two adapters: a peak hour through each, with the same arrivals.

Run as `python -m loadtests.generator.compare_adapters`.
"""

# Locust and gevent annotate little of what they offer.
# mypy: disable-error-code="no-untyped-call"

# Locust comes first: it makes the standard library's sockets cooperative.
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
from loadtests.generator.latency_table import RequestRow, format_table, list_errors, send_lateness, summarize
from loadtests.generator.locust_user import EXIT_LOAD_ERROR
from loadtests.generator.locustfile import PeakHour

LATE_SECONDS = 0.005
BUSY = 0.85


def main() -> None:
    """Exit code 2 when the load could not be sent, 1 when some arrivals were answered with errors."""
    options = _options()
    rows: list[RequestRow] = []
    try:
        _require_product(options.host)
        for side in _sides(options):
            _hour(side, options, rows)
    except LoadError as error:
        sys.stderr.write(f"load: {error}\n")
        sys.exit(EXIT_LOAD_ERROR)
    except KeyboardInterrupt:
        _say("interrupted: this is what was measured until then")
    _report(rows)
    sys.exit(any(row.outcome == "error" for row in rows))


def _report(rows: list[RequestRow]) -> None:
    _say("\n" + format_table(summarize(rows)))
    _say("\nmilliseconds from the intended start; a dash where too few requests lie beyond the percentile")
    for line in list_errors(rows):
        _say(line)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="extraction load", description=__doc__)
    parser.add_argument("--host", default="http://127.0.0.1:8000", help="the monolith's public address")
    parser.add_argument("--businesses", default=".data/load.json", help="the file that `make load` wrote")
    parser.add_argument("--seconds", type=_positive, default=60.0, help="length of the hour, for each topology")
    parser.add_argument("--rate", type=_positive, default=60.0, help="scheduling requests a second at the peak")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same arrivals")
    return parser.parse_args()


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def _require_product(host: str) -> None:
    try:
        requests.get(f"{host}/healthz", timeout=5).raise_for_status()
    except requests.RequestException:
        raise LoadError(f"nothing serves at {host}: start `make demo` in another terminal, or set --host") from None


def _sides(options: argparse.Namespace) -> list[str]:
    """In process first, which is what came first."""
    found = {business.side for business in read_business_file(Path(options.businesses)).businesses}
    return sorted(found, reverse=True)


def _hour(side: str, options: argparse.Namespace, rows: list[RequestRow]) -> None:
    """Adds its rows as they come, so that Ctrl-C keeps them."""
    options.side, options.scenario = side, "peak_hour"
    _say(f"{side}: {len(plan_arrivals(options.rate, options.seconds, options.seed))} arrivals in {options.seconds:g} s")
    environment = locust.env.Environment(user_classes=[PeakHour], host=options.host, parsed_options=options)
    first = len(rows)
    environment.events.request.add_listener(lambda context, **_: rows.append(context["row"]))
    runner = environment.create_local_runner()
    cpu, began = time.process_time(), time.perf_counter()
    with _ctrl_c_ends(runner):
        runner.start(1, spawn_rate=1)
        runner.greenlet.join()
    if environment.process_exit_code:
        sys.exit(environment.process_exit_code)
    _say(_validity(rows[first:], (time.process_time() - cpu) / (time.perf_counter() - began)))


@contextmanager
def _ctrl_c_ends(runner: LocalRunner) -> Iterator[None]:
    """Raises KeyboardInterrupt afterwards, outside of gevent's loop, which would print a traceback of its own."""
    pressed: list[bool] = []

    def end() -> None:
        pressed.append(True)
        runner.quit()

    handler = gevent.signal_handler(signal.SIGINT, end)
    yield
    handler.cancel()
    if pressed:
        raise KeyboardInterrupt


def _validity(rows: list[RequestRow], cpu: float) -> str:
    """Whether the generator itself was in the way."""
    late = send_lateness(rows) or 0.0
    words = f"  the generator sent 99 of 100 within {late * 1000:.1f} ms of their time, with {cpu:.0%} of a core"
    if late > LATE_SECONDS or cpu > BUSY:
        words += "\n  it had to wait for a core: part of these latencies is its own lateness"
    return words


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
