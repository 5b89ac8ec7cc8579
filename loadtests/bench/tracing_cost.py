"""tracing_cost: latency of a slot search that is recorded, and with tracing on but not recorded, relative to off."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from deploy.devstack.ports import HOST, free_port
from deploy.devstack.processes import GUNICORN
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.output import echo
from loadtests.bench.search import search_path
from loadtests.bench.timing import alternating_medians, search_call
from loadtests.generator.estimates import percentile, positive
from loadtests.harness.bench_servers import WORKER, BenchServers, RunningWeb, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import OFFICE_HOURS, open_tenant

WARM_UP = 200


def measure(cores: Cores, blocks: int, calls: int) -> dict[str, Figure]:
    """Search with one client, alternating call by call between three monoliths on the same database."""
    with running_bench_servers(cores) as servers, _collector() as traces_url:
        servers.start_databases("monolith")
        percents = {"off": None, "on, not recorded": 0, "on, recorded": 100}
        sites = [_monolith(servers, traces_url, percent) for percent in percents.values()]
        path = "/api/v1" + search_path(open_tenant(sites[0].port, 1, OFFICE_HOURS))
        searches = [search_call(site.port, path) for site in sites]
        with cores.generating_load():
            alternating_medians(searches, WARM_UP)
            medians = [alternating_medians(searches, calls) for _ in range(blocks)]
    for name, column in zip(percents, zip(*medians, strict=True), strict=True):
        echo(f"search, tracing {name:<18} {percentile(column, 0.5) * 1000:>7.3f} ms")
    return {
        "tracing_not_recorded": ratio_figure(positive([idle / off for off, idle, _ in medians])),
        "tracing_recorded": ratio_figure(positive([recorded / off for off, _, recorded in medians])),
    }


def _monolith(servers: BenchServers, traces_url: str, percent: int | None) -> RunningWeb:
    port = free_port()
    tracing = {} if percent is None else {"TRACES_URL": traces_url, "TRACES_PERCENT": str(percent)}
    own = {"MONOLITH_PORT": str(port), "PUBLIC_URL": f"http://{HOST}:{port}"}
    environment = {**servers.monolith_environment(), **WORKER, **own, **tracing}
    return servers.start_web("monolith.wsgi:app", GUNICORN / "monolith.py", port, "/healthz", environment)


@contextmanager
def _collector() -> Iterator[str]:
    """Accept spans and discard them, within the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}/v1/traces"
    finally:
        server.shutdown()
        server.server_close()
