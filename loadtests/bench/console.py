"""console_cpu_share, console_update_p95, web_p99_consoles: the cost of 50 open consoles, and their delay."""

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

from deploy.demo_data import OPERATOR, SLUG
from deploy.devstack.environment import inherited
from deploy.devstack.ports import HOST, free_ports
from deploy.devstack.program import Program
from deploy.devstack.settings import DEFAULT_PORTS
from loadtests.bench.figures import Figure
from loadtests.bench.output import echo
from loadtests.bench.web_latency import steady_latencies
from loadtests.generator.estimates import percentile
from loadtests.harness.process_tree import process_tree

CONSOLES = 50
SETTLE_SECONDS = 5.0
LAST_LINE = "Ctrl-C stops everything"
ADAPTERS = ("http", "in_process")
WEB_RATE = 20.0
"""Requests a second to the booking page of the product, for its 99th percentile."""


def measure(seconds: float) -> dict[str, Figure]:
    """Start the demo, open the overview 50 times, and change the default adapter every four seconds.

    The product's own latency is measured before, with the consoles, and afterwards.
    """
    with _running_demo() as (process, url, page):
        operator = _sign_in(url)
        steady_latencies(page, WEB_RATE, SETTLE_SECONDS)
        alone = steady_latencies(page, WEB_RATE, seconds / 2)
        watchers = [_Watcher(url, operator) for _ in range(CONSOLES)]
        time.sleep(SETTLE_SECONDS)
        console = _console_of(process)
        before, began = _cpu_seconds(console), time.monotonic()
        changes = _change_repeatedly(url, operator, seconds)
        share = (_cpu_seconds(console) - before) / (time.monotonic() - began)
        delays = [delay for watcher in watchers for delay in watcher.delays(changes)]
        watched = steady_latencies(page, WEB_RATE, seconds)
        for watcher in watchers:
            watcher.close()
        alone += steady_latencies(page, WEB_RATE, seconds / 2)
    p99, ratio = percentile(alone, 0.99), percentile(watched, 0.99) / percentile(alone, 0.99)
    echo(f"{'booking page, p99':<24} {p99 * 1000:.1f} ms alone, {p99 * ratio * 1000:.1f} ms with {CONSOLES} consoles")
    return {
        "web_p99_consoles": Figure(ratio, "ratio", len(watched), ratio, ratio),
        "console_cpu_share": Figure(share, "core", 1, share, share),
        "console_update_p95": Figure(percentile(delays, 0.95), "s", len(delays), min(delays), max(delays)),
    }


class _Watcher:
    """One open overview page: notes when each default adapter was first shown."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self._shown: list[tuple[float, str]] = []
        self._reply = session.get(f"{url}/ops/live/overview", stream=True, timeout=30)
        # The first consoles have a stream, the others poll, as the script of the page does.
        self._poll = None if self._reply.ok else (session, f"{url}/ops/live/overview?once")
        self._closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def delays(self, changes: list[tuple[float, str]]) -> list[float]:
        """Return the time from each change to the first page that showed it."""
        return [
            next(at - changed for at, shown in self._shown if at >= changed and shown == adapter)
            for changed, adapter in changes
        ]

    def close(self) -> None:
        self._closed.set()
        self._reply.close()

    def _watch(self) -> None:
        try:
            for html in self._pages():
                adapter = next((each for each in ADAPTERS if f"<dd>{each}</dd>" in html), "")
                if not self._shown or self._shown[-1][1] != adapter:
                    self._shown.append((time.monotonic(), adapter))
        except (requests.RequestException, AttributeError, ValueError):
            # Closing a stream from another thread interrupts its read with one of these.
            if not self._closed.is_set():
                raise

    def _pages(self) -> Iterator[str]:
        if self._poll is None:
            for line in self._reply.iter_lines():
                if line and (html := json.loads(line.removeprefix(b"data: "))["html"]):
                    yield html
            return
        session, address = self._poll
        while not self._closed.wait(2.0):
            yield session.get(address, timeout=30).json()["html"]


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
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=CONSOLES + 4))
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
