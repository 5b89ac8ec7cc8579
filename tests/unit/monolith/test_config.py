"""An invalid environment is reported in one line with the variable and the remedy."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.chassis.settings import ConfigError, load_or_exit
from monolith.config import MonolithConfig, WorkerConfig
from tests.servers import ROOT

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")
GOOD = {
    "MONOLITH_DATABASE_URL": "postgresql://127.0.0.1:5433/monolith",
    "DATABASE_ROLE_SECRET": "0123456789abcdef",
    "SCHEDULING_SERVICE_URL": "http://127.0.0.1:8001",
    "SERVICE_TOKEN_SIGNING_KEY": f"k1:{KEY}",
    "PUBLIC_URL": "http://127.0.0.1:8000/",
    "METRICS_TOKEN": "fedcba9876543210",
    "REDIS_URL": "redis://127.0.0.1:6380/0",
    "SMTP_URL": "smtp://127.0.0.1:2525",
}
OF_THE_WEB = [name for name in GOOD if name not in ("REDIS_URL", "SMTP_URL")]
OF_THE_WORKER = [name for name in GOOD if name != "METRICS_TOKEN"]


def test_complete_environment_is_accepted() -> None:
    config = MonolithConfig.from_environment(GOOD | {"TRUSTED_PROXIES": "10.0.0.0/8, ::1"})
    assert config.public_url == "http://127.0.0.1:8000"
    assert (config.signing_key.key_id, config.signing_key.private_key) == ("k1", bytes(range(32)))
    assert [str(network) for network in config.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert config.availability_cache_seconds == 0
    assert MonolithConfig.from_environment(GOOD | {"AVAILABILITY_CACHE_SECONDS": "2"}).availability_cache_seconds == 2
    worker = WorkerConfig.from_environment(GOOD | {"MAIL_RETENTION_DAYS": "30", "INBOX_RETENTION_DAYS": "40"})
    assert worker.smtp_url == "smtp://127.0.0.1:2525"
    assert (worker.mail_retention.days, worker.retention.inbox.days) == (30, 40)


@pytest.mark.parametrize("threads", [2, 3, 4, 8, 64])
def test_calls_to_the_service_leave_threads_to_the_other_modules(threads: int) -> None:
    config = MonolithConfig.from_environment(GOOD | {"WEB_THREADS": str(threads)})
    assert 0 < config.scheduling_calls_at_once < threads
    chosen = MonolithConfig.from_environment(GOOD | {"SCHEDULING_CALLS_AT_ONCE": "5"})
    assert chosen.scheduling_calls_at_once == 5


@pytest.mark.parametrize(
    ("name", "field"),
    [("IN_PROCESS_DATABASE_URL", "in_process_database_url"), ("SEARCH_REPLICA_URL", "search_replica_url")],
)
def test_engine_uses_the_database_of_the_monolith_alone_unless_another_is_named(name: str, field: str) -> None:
    assert getattr(MonolithConfig.from_environment(GOOD), field) is None
    other = GOOD | {name: "postgresql://127.0.0.1:5434/scheduling"}
    assert getattr(MonolithConfig.from_environment(other), field) == other[name]
    with pytest.raises(ConfigError, match=f"{name} is malformed"):
        MonolithConfig.from_environment(GOOD | {name: "elsewhere"})


@pytest.mark.parametrize("name", OF_THE_WEB)
@pytest.mark.row("H44")
def test_web_settings_have_no_defaults(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is not set: set it to "):
        MonolithConfig.from_environment({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize("name", OF_THE_WORKER)
@pytest.mark.row("H44")
def test_worker_settings_have_no_defaults(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is not set: set it to "):
        WorkerConfig.from_environment({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONOLITH_DATABASE_URL", "mysql://127.0.0.1/monolith"),
        ("MONOLITH_DATABASE_URL", "postgresql://127.0.0.1:5433"),
        ("MONOLITH_DATABASE_URL", "postgresql://127.0.0.1:port/monolith"),
        ("PUBLIC_URL", "127.0.0.1:8000"),
        ("PUBLIC_URL", "http://127.0.0.1:8000/shop"),
        ("SCHEDULING_SERVICE_URL", "http://"),
        ("AVAILABILITY_CACHE_SECONDS", "61"),
        ("AVAILABILITY_CACHE_SECONDS", "-1"),
        ("SERVICE_TOKEN_SIGNING_KEY", KEY),
        ("SERVICE_TOKEN_SIGNING_KEY", "k1:c2hvcnQ"),
        ("SERVICE_TOKEN_SIGNING_KEY", f"../k1:{KEY}"),
        ("DATABASE_ROLE_SECRET", "hunter2"),
        ("METRICS_TOKEN", "changeme"),
        ("TRUSTED_PROXIES", "everybody"),
        ("WEB_THREADS", "many"),
        ("WEB_THREADS", "0"),
    ],
)
def test_malformed_setting_is_named_without_exposing_secrets(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is ") as refused:
        MonolithConfig.from_environment(GOOD | {name: value})
    assert "\n" not in str(refused.value)
    if "SECRET" in name or "TOKEN" in name:
        assert value not in str(refused.value)


def test_mail_retention_has_a_lower_limit() -> None:
    with pytest.raises(ConfigError, match=r"^MAIL_RETENTION_DAYS is malformed: .* from 7 to 3650$"):
        WorkerConfig.from_environment(GOOD | {"MAIL_RETENTION_DAYS": "6"})


def test_representation_contains_no_secrets() -> None:
    shown = repr(MonolithConfig.from_environment(GOOD)) + repr(WorkerConfig.from_environment(GOOD))
    assert "0123456789abcdef" not in shown
    assert "fedcba9876543210" not in shown
    assert repr(bytes(range(32))) not in shown


def test_invalid_configuration_exits_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load_or_exit("monolith", MonolithConfig.from_environment, {})
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("monolith: MONOLITH_DATABASE_URL is not set: set it to ")


def test_importing_the_app_requires_no_environment(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import monolith.app, monolith.config, monolith.modules.auth.module"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)
