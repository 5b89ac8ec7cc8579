"""site_page: time of the first page of the booking site, relative to the JSON call with the same free times."""

from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode

from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.http_overhead import ADAPTERS, one_tenant_per_adapter
from loadtests.bench.output import echo
from loadtests.bench.timing import alternating_medians, search_call
from loadtests.generator.estimates import percentile, positive
from loadtests.harness.bench_servers import running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import Tenant
from monolith.web.site.days import DAYS_SHOWN

PROVIDERS = 3
_WARM_UP = 100


def measure(cores: Cores, blocks: int, calls: int) -> dict[str, Figure]:
    """Alternate between page and call, as a visitor with one client. The page has the times of two weeks."""
    figures = {}
    with running_bench_servers(cores) as servers:
        for adapter, tenant in zip(ADAPTERS, one_tenant_per_adapter(servers, PROVIDERS), strict=True):
            paths = [f"/b/{tenant.slug}", _slots_path(tenant)]
            measured = [search_call(tenant.port, path) for path in paths]
            alternating_medians(measured, _WARM_UP)
            medians = [alternating_medians(measured, calls) for _ in range(blocks)]
            page, call = (percentile(column, 0.5) * 1000 for column in zip(*medians, strict=True))
            echo(f"{adapter:<12} first page {page:>6.2f} ms, JSON call {call:>6.2f} ms")
            figures[f"site_page_{adapter}"] = ratio_figure(positive([page / call for page, call in medians]))
    return figures


def _slots_path(tenant: Tenant) -> str:
    """Return the path of the search that the page makes: a business in UTC, without a choice of the visitor."""
    start = datetime.combine(datetime.now(UTC).date(), time(), UTC)
    query = {
        "offering_id": tenant.offering_id,
        "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{start + timedelta(days=DAYS_SHOWN):%Y-%m-%dT%H:%M:%SZ}",
    }
    return f"/api/v1{tenant.path}/slots?{urlencode(query)}"
