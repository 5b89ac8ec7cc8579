"""console_cpu_share, console_update_p95, web_p99_consoles: the cost of 50 open consoles, and their delay."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

from deploy.console.polling import WATCHED_SECONDS
from deploy.demo_data import OPERATOR, SLUG
from deploy.devstack.environment import inherited
from deploy.devstack.ports import HOST, free_ports
from deploy.devstack.program import Program
from deploy.devstack.settings import DEFAULT_PORTS
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.open_consoles import ADAPTERS, OpenConsoles, Shown
from loadtests.bench.output import echo
from loadtests.bench.web_latency import steady_latencies
from loadtests.generator.estimates import percentile, ratio
from loadtests.harness.process_tree import process_tree

CONSOLES = 50
SETTLE_SECONDS = 4.0
UNWATCHED_SECONDS = WATCHED_SECONDS + 2.0
"""After the last page was closed: only then the console reads the system as seldom as without operators."""
LAST_LINE = "Ctrl-C stops everything"
WEB_RATE = 20.0
"""Requests a second to the booking page of the product, for its 99th percentile."""
BLOCK_SECONDS = 20.0


def measure(pairs: int, seconds: float) -> dict[str, Figure]:
    """Start the demo, and measure the product's latency in blocks with 50 open overview pages and without.

    The blocks alternate as in A B, B A, A B, so that a drift of the machine favours neither. Then the default adapter
    is changed every four seconds, for `seconds`, for the console's own figures.
    """
    with _running_demo() as (process, url, page):
        operator = _sign_in(url)
        steady_latencies(page, WEB_RATE, SETTLE_SECONDS)
        consoles = OpenConsoles(url, str(operator.headers["Authorization"]).removeprefix("Bearer "), CONSOLES)
        alone, watched = _alternate(page, consoles, pairs)
        with consoles:
            time.sleep(SETTLE_SECONDS)
            console = _console_of(process)
            before, began = _cpu_seconds(console), time.monotonic()
            changes = _change_repeatedly(url, operator, seconds)
            share = (_cpu_seconds(console) - before) / (time.monotonic() - began)
        delays = [delay for shown in consoles.shown for delay in _delays(shown, changes)]
    for name, blocks in (("alone", alone), (f"with {CONSOLES} consoles", watched)):
        every = [latency for block in blocks for latency in block]
        echo(f"{'booking page, p99':<24} {percentile(every, 0.99) * 1000:.1f} ms {name}, n = {len(every)}")
    p99s = [(percentile(one, 0.99), percentile(other, 0.99)) for one, other in zip(watched, alone, strict=True)]
    return {
        "web_p99_consoles": ratio_figure(ratio(p99s)),
        "console_cpu_share": Figure(share, "core", 1, share, share),
        "console_update_p95": Figure(percentile(delays, 0.95), "s", len(delays), min(delays), max(delays)),
    }


def _alternate(page: str, consoles: OpenConsoles, pairs: int) -> tuple[list[list[float]], list[list[float]]]:
    """Return the latencies of each block without open consoles, and of each block with them."""
    alone, watched = [], []
    for pair in range(pairs):
        # Neighbouring blocks of the same kind need no pause: the pages stay open, or closed.
        if pair % 2 == 0:
            alone.append(steady_latencies(page, WEB_RATE, BLOCK_SECONDS))
        with consoles:
            time.sleep(SETTLE_SECONDS)
            watched.append(steady_latencies(page, WEB_RATE, BLOCK_SECONDS))
        time.sleep(UNWATCHED_SECONDS)
        if pair % 2:
            alone.append(steady_latencies(page, WEB_RATE, BLOCK_SECONDS))
    return alone, watched


def _delays(shown: Shown, changes: list[tuple[float, str]]) -> list[float]:
    """Return the time from each change to the first update that showed it."""
    return [
        next(at - changed for at, value in shown if at >= changed and value == adapter) for changed, adapter in changes
    ]


def _change_repeatedly(url: str, operator: requests.Session, seconds: float) -> list[tuple[float, str]]:
    """Return the time and the value of each change; each is shown before the next."""
    changes: list[tuple[float, str]] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        adapter, before = ADAPTERS[len(changes) % 2], ADAPTERS[(len(changes) + 1) % 2]
        body = {"change": {"adapter": adapter}, "reason": "measuring", "expected": f"default {before}"}
        changed = time.monotonic()
        operator.post(f"{url}/api/v1/changes/set-default", json=body, timeout=30).raise_for_status()
        changes.append((changed, adapter))
        time.sleep(4.0)
    return changes


def _sign_in(url: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    body = {"email": OPERATOR.email, "password": OPERATOR.password}
    reply = session.post(f"{url}/api/v1/sign-in", json=body, timeout=30)
    reply.raise_for_status()
    session.headers["Authorization"] = f"Bearer {reply.json()['token']}"
    return session


@contextmanager
def _running_demo() -> Iterator[tuple[int, str, str]]:
    """Provide the process id of a demo, the address of its console, and that of a booking page."""
    with tempfile.TemporaryDirectory(prefix="extraction-console-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        ports = free_ports(DEFAULT_PORTS)
        environment = {**inherited(), **{setting: str(port) for setting, port in ports.items()}, "DATA_DIR": name}
        demo = Program(
            "demo",
            ["-m", "deploy.cli.main", "demo"],
            environment,
            log=folder / "demo.log",
            is_ready=lambda: LAST_LINE in demo.output(),
        )
        demo.start_seconds, demo.stop_seconds = 120.0, 60.0
        with demo:
            assert demo.pid is not None
            page = f"http://{HOST}:{ports['MONOLITH_PORT']}/b/{SLUG}"
            yield demo.pid, f"http://{HOST}:{ports['CONSOLE_PORT']}", page


def _console_of(demo: int) -> list[psutil.Process]:
    """Return the processes of the console."""
    return [each for each in process_tree(demo) if "deploy.console.wsgi:app" in each.cmdline()]  # type: ignore[no-untyped-call]


def _cpu_seconds(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return float(sum(each.user + each.system for each in times))
