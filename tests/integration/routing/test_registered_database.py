"""A second database of the service is registered while the monolith runs, and serves new businesses at once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from prometheus_client import CollectorRegistry

from contracts.scheduling.events import PUBLISHED
from deploy.devstack.keys import load_keys
from monolith.cutover.service_adapters import ServiceAdapters
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from monolith.shared.database import ModuleDatabase, new_id
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.wiring import build_relay
from tests.command_line import CommandLine, cutover_settings
from tests.contract.port.shop import open_shop
from tests.databases import Databases
from tests.faults.service import SchedulingWeb
from tests.integration.routing.conftest import Process, eventually, start_process


@pytest.fixture
def process(databases: Databases) -> Iterator[Process]:
    process = start_process(databases)
    yield process
    process.watch.close()


@pytest.fixture
def extraction(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(cutover_settings(databases), monkeypatch, capsys)


def test_a_registered_database_serves_new_businesses(
    databases: Databases, process: Process, extraction: CommandLine, tmp_path: Path
) -> None:
    keys, url = load_keys(tmp_path / "keys.json"), databases.second_scheduling_url
    cutover = ModuleDatabase(databases.monolith_url, role="cutover_app", secret=databases.role_secret)
    adapters = ServiceAdapters({}, cutover, lambda url: HttpScheduling(url, signer_from(keys.signing_key)))
    port = SwitchedScheduling(adapters, process.routes)
    with SchedulingWeb(databases, keys, tmp_path, SCHEDULING_DATABASE_URL=url) as web:
        added = extraction("databases", "add", "scheduling-2", "--database-url", url, "--service-url", web.url)
        assert (added.returncode, added.stdout) == (0, "scheduling-2 is registered, and accepts new businesses\n")
        assert extraction("flag", "set", "http", "--database", "scheduling-2", "--reason", "to see").returncode == 0
        eventually(lambda: process.flag.value_for(new_id()) == "http:scheduling-2")
        shop = open_shop(port, new_id())
        assert shop.book().version == 1
        owner = process.routes.owner(shop.business_id)
        assert owner is not None
        assert owner.owner == "scheduling-2"
    listed = json.loads(extraction("databases", "list", "--json").stdout)["databases"]
    assert [(each["name"], each["businesses"]) for each in listed] == [
        ("monolith", 0), ("scheduling", 0), ("scheduling-2", 1),
    ]  # fmt: skip
    _publish(databases, url)
    with redis.Redis.from_url(databases.redis_url, decode_responses=True) as client:
        assert list(client.hgetall(PUBLISHED)) == ["scheduling-2"]


def test_a_database_is_registered_once(databases: Databases, extraction: CommandLine, tmp_path: Path) -> None:
    url = databases.scheduling_url
    with SchedulingWeb(databases, load_keys(tmp_path / "keys.json"), tmp_path) as web:
        for name, refusal in (
            ("scheduling", "a database with this name is registered already"),
            ("scheduling-2", "it is the scheduling database"),
        ):
            refused = extraction("databases", "add", name, "--database-url", url, "--service-url", web.url)
            assert refused.returncode == 2
            assert f"{name}: {refusal}" in refused.stderr


def test_a_database_without_a_service_is_not_registered(databases: Databases, extraction: CommandLine) -> None:
    url = databases.second_scheduling_url
    arguments = ("--database-url", url, "--service-url", "http://127.0.0.1:9")
    refused = extraction("databases", "add", "scheduling-2", *arguments)
    assert refused.returncode == 2
    assert "its service is not ready to serve" in refused.stderr
    unknown = extraction("flag", "set", "http", "--database", "scheduling-2")
    assert "there is no database 'scheduling-2': `extraction databases list` names them" in unknown.stderr
    for command in ("start", "stop"):
        unknown = extraction("replicate", command, "--between", "scheduling", "scheduling-2")
        assert "there is no database 'scheduling-2'" in unknown.stderr
    assert "a database is named" in extraction("databases", "drain", "postgres").stderr


def _publish(databases: Databases, url: str) -> None:
    metrics = RelayMetrics(CollectorRegistry(), "scheduling-2")
    relay = build_relay("scheduling-2", url, databases.role_secret, databases.redis_url, metrics)
    eventually(lambda: relay.step() > 0)
    relay.close()
