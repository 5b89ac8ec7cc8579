"""Fault 46: processes of this release and of the next one serve the schema of the next one, under load.

The next release is a second work tree, whose migrations only add. Both deployables run twice behind a load balancer.
The databases are migrated, then each process is replaced by one of the next release, while a ledger records every
result.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from deploy.devstack.environment import inherited
from deploy.devstack.keys import Keys, load_keys
from deploy.devstack.ports import HOST, free_port
from deploy.devstack.program import ROOT, Program, http_check
from deploy.gunicorn.probe import answers
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, open_tenant
from loadtests.harness.traffic.ledger import check_ledger
from loadtests.harness.traffic.open_loop import TrafficPlan, TrafficRecord
from loadtests.harness.traffic.processes import running_traffic
from monolith.cutover.scheduling_flag import AdapterName
from tests.databases import Databases
from tests.e2e.shop import FLAG_SECONDS
from tests.faults.http_site import set_default_adapter
from tests.faults.proxy import Balancer
from tests.next_release import next_release
from tests.polling import eventually
from tests.site import METRICS_TOKEN

MIGRATIONS = {
    "monolith/modules/auth/migrations": "ALTER TABLE auth.account ADD COLUMN nickname text",
    "monolith/modules/billing/migrations": "ALTER TABLE billing.invoice ADD COLUMN paid_by text",
    "scheduling_service/engine/migrations": "ALTER TABLE scheduling.appointment ADD COLUMN colour text;"
    "CREATE TABLE scheduling.label (business_id uuid, label_id uuid, PRIMARY KEY (business_id, label_id))",
}
RATE = 15.0
STAGE_SECONDS = 1.5
ANSWERED = {200, 201, 409}


class Web(Program):
    """A web process that runs from a work tree, on the same port whichever tree that is."""

    def __init__(self, name: str, port: int, settings: Mapping[str, str], folder: Path) -> None:
        deployment = name.partition("-")[0]
        package = {"monolith": "monolith", "scheduling": "scheduling_service"}[deployment]
        super().__init__(
            name,
            ["-m", "gunicorn", "-c", f"deploy/gunicorn/{deployment}.py", f"{package}.wsgi:app"],
            {
                "WEB_WORKERS": "1",
                "WEB_DRAIN_SECONDS": "1",
                "METRICS_TOKEN": METRICS_TOKEN,
                f"{deployment.upper()}_PORT": str(port),
                **settings,
            },
            log=folder / f"{name}.log",
            is_ready=http_check(port, "/healthz"),
        )
        self.stop_seconds = 40.0
        self.port = port
        self.tree = ROOT

    @property
    def ready(self) -> bool:
        return answers(self.port, "/readyz")

    def replace(self, tree: Path) -> None:
        """Stop the process, and start it from another tree."""
        self.stop()
        self.tree = tree
        self.start()
        eventually(lambda: self.ready, f"{self.name} of the next release is ready")

    def _command(self) -> Sequence[str]:
        return ["sh", "-c", 'cd "$0" && exec "$@"', str(self.tree), *super()._command()]


@dataclass(frozen=True)
class Deployed:
    """Two processes of each deployable, of this release. `entrance` is the balancer in front of the monolith."""

    webs: Sequence[Web]
    entrance: Balancer


@contextmanager
def deployed(databases: Databases, folder: Path) -> Iterator[Deployed]:
    keys = load_keys(folder / "keys.json")
    with ExitStack() as running:
        services = [
            Web(f"scheduling-{number}", free_port(), _service_settings(databases, keys), folder) for number in (1, 2)
        ]
        service = running.enter_context(Balancer([web.port for web in services]))
        ports = [free_port(), free_port()]
        entrance = running.enter_context(Balancer(ports))
        settings = _monolith_settings(databases, keys, service=service.url, public=entrance.url)
        sites = [Web(f"monolith-{number}", port, settings, folder) for number, port in enumerate(ports, 1)]
        for web in (*services, *sites):
            running.enter_context(web)
            eventually(lambda: web.ready, f"{web.name} is ready")  # noqa: B023
        yield Deployed([*services, *sites], entrance)


def _service_settings(databases: Databases, keys: Keys) -> Mapping[str, str]:
    return {
        "SCHEDULING_DATABASE_URL": databases.scheduling_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "SERVICE_TOKEN_VERIFY_KEYS": keys.verify_keys,
    }


def _monolith_settings(databases: Databases, keys: Keys, *, service: str, public: str) -> Mapping[str, str]:
    return {
        "MONOLITH_DATABASE_URL": databases.monolith_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "SCHEDULING_SERVICE_URL": service,
        "SERVICE_TOKEN_SIGNING_KEY": keys.signing_key,
        "PUBLIC_URL": public,
    }


def migrate(tree: Path, databases: Databases) -> None:
    """Set both databases up with the command of a release."""
    urls = {"monolith": databases.monolith_admin_url, "scheduling": databases.scheduling_admin_url}
    for deployment, url in urls.items():
        settings = {f"{deployment.upper()}_DATABASE_URL": url, "DATABASE_ROLE_SECRET": databases.role_secret}
        environment = {**inherited(), **settings}
        command = [sys.executable, "-m", "deploy.cli.main", "db", "setup", deployment]
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def plan_for(tenant: Tenant) -> TrafficPlan:
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    starts = [tomorrow + timedelta(minutes=15 * number) for number in range(800)]
    day = f"start={tomorrow:%Y-%m-%dT%H:%M:%SZ}&end={tomorrow + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    return TrafficPlan(
        host=HOST,
        port=tenant.port,
        path=f"/api/v1{tenant.path}",
        headers=tenant.owner.headers,
        offering_id=tenant.offering_id,
        customer_id=tenant.owner.call("GET", "/me")["user"]["user_id"],
        slots=[(tenant.providers[0], start.isoformat()) for start in starts],
        reads=[f"/slots?offering_id={tenant.offering_id}&{day}"],
        rate=RATE,
        share_of_writes=0.5,
        name=f"traffic of {tenant.slug}",
    )


def opened(databases: Databases, entrance: Balancer, adapter: AdapterName) -> Tenant:
    set_default_adapter(databases, adapter)
    time.sleep(FLAG_SECONDS)
    return open_tenant(entrance.port, 1, ROUND_THE_CLOCK)


@pytest.mark.row("F46")
@pytest.mark.long
@pytest.mark.alone
def test_each_process_is_replaced_by_one_of_the_next_release(databases: Databases, tmp_path: Path) -> None:
    tree = next_release(tmp_path / "next", MIGRATIONS)
    with deployed(databases, tmp_path) as product:
        far, near = (opened(databases, product.entrance, adapter) for adapter in ("http", "in_process"))
        plans, stages = [plan_for(tenant) for tenant in (far, near)], [time.time()]
        with running_traffic(plans, tmp_path / "traffic") as traffic:
            migrate(tree, databases)
            time.sleep(STAGE_SECONDS)
            assert all(web.ready for web in product.webs), "this release is ready on the schema of the next one"
            for web in product.webs:
                stages.append(time.time())
                web.replace(tree)
                time.sleep(STAGE_SECONDS)
            stages.append(time.time())
    for earlier, later in pairwise(stages):
        assert any(earlier <= record.at < later and record.kind != "read" for record in traffic.records)
    judge(traffic.records, far, databases.scheduling_admin_url)
    judge(traffic.records, near, databases.monolith_admin_url)


def judge(records: Sequence[TrafficRecord], tenant: Tenant, url: str) -> None:
    """Require that every request was answered with a result, and that each result is stored exactly once."""
    name = f"traffic of {tenant.slug}"
    own = [record for record in records if record.name == name]
    # 0: the process closed an idle connection just as it was used; the client repeated the request with its key.
    assert [record for record in own if record.status not in {*ANSWERED, 0}] == []
    assert {record.final for record in own if record.kind != "read"} <= ANSWERED
    with psycopg.connect(url) as db:
        report = check_ledger(own, db, UUID(tenant.business_id), [name])
    assert report.clean, report
    assert report.writes > 50


@pytest.mark.row("F46")
@pytest.mark.long
def test_release_is_not_ready_before_its_migrations(databases: Databases, tmp_path: Path) -> None:
    tree, keys = next_release(tmp_path / "next", MIGRATIONS), load_keys(tmp_path / "keys.json")
    web = Web("scheduling-next", free_port(), _service_settings(databases, keys), tmp_path)
    web.tree = tree
    with web:
        assert not web.ready
        migrate(tree, databases)
        eventually(lambda: web.ready, "the next release is ready")
