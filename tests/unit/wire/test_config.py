"""Settings of the service: required variables, and errors in one line."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.chassis.metrics_server import MetricsAddress
from contracts.chassis.settings import ConfigError
from deploy.devstack.ports import free_port
from scheduling_service.config import RelayConfig, WebConfig

ROOT = Path(__file__).resolve().parents[3]
KEY = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
SOUND = {
    "SCHEDULING_DATABASE_URL": "postgresql://127.0.0.1:5434/scheduling",
    "DATABASE_ROLE_SECRET": "a-secret-of-this-test",
    "SERVICE_TOKEN_VERIFY_KEYS": f"first:{KEY}",
    "METRICS_TOKEN": "another-secret-of-this-test",
}


def test_valid_environment_is_loaded() -> None:
    config = WebConfig.from_environment({**SOUND, "WEB_THREADS": "4"})
    assert config.database_url == SOUND["SCHEDULING_DATABASE_URL"]
    assert config.verify_keys == {"first": bytes(32)}
    assert config.threads == 4
    assert config.metrics_folder is None


def test_two_verification_keys_are_accepted_during_a_rotation() -> None:
    config = WebConfig.from_environment({**SOUND, "SERVICE_TOKEN_VERIFY_KEYS": f"first:{KEY}, second:{KEY}="})
    assert list(config.verify_keys) == ["first", "second"]


def test_repr_hides_secrets() -> None:
    shown = repr(WebConfig.from_environment(SOUND))
    assert SOUND["DATABASE_ROLE_SECRET"] not in shown
    assert SOUND["METRICS_TOKEN"] not in shown


@pytest.mark.parametrize("name", SOUND)
def test_missing_variable_is_named(name: str) -> None:
    for value in ({}, {name: ""}, {name: "  "}):
        with pytest.raises(ConfigError, match=f"^{name} is not set: "):
            WebConfig.from_environment({each: SOUND[each] for each in SOUND if each != name} | value)


@pytest.mark.parametrize(
    "name, value",
    [
        ("SCHEDULING_DATABASE_URL", "localhost"),
        ("SCHEDULING_DATABASE_URL", "mysql://127.0.0.1:5434/scheduling"),
        ("SCHEDULING_DATABASE_URL", "postgresql://127.0.0.1:5434"),
        ("SCHEDULING_DATABASE_URL", "postgresql://127.0.0.1:port/scheduling"),
        ("DATABASE_ROLE_SECRET", "secret"),
        ("METRICS_TOKEN", "secret"),
        ("SERVICE_TOKEN_VERIFY_KEYS", KEY),
        ("SERVICE_TOKEN_VERIFY_KEYS", "first:AAAA"),
        ("SERVICE_TOKEN_VERIFY_KEYS", f"../first:{KEY}"),
        ("SERVICE_TOKEN_VERIFY_KEYS", f"first:{KEY},first:{KEY}"),
        ("SERVICE_TOKEN_VERIFY_KEYS", f"first:{KEY},second:{KEY},third:{KEY}"),
        ("WEB_THREADS", "0"),
        ("WEB_THREADS", "many"),
        ("WEB_THREADS", "1e9"),
    ],
)
def test_malformed_variable_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} ") as caught:
        WebConfig.from_environment({**SOUND, name: value})
    assert "\n" not in str(caught.value)


def test_relay_serves_metrics_on_the_loopback_interface_unless_told() -> None:
    given = {"SCHEDULING_DATABASE_URL", "DATABASE_ROLE_SECRET"}
    sound = {name: SOUND[name] for name in given} | {"REDIS_URL": "redis://127.0.0.1:6379/0"}
    assert RelayConfig.from_environment(sound).metrics is None
    local = RelayConfig.from_environment({**sound, "RELAY_METRICS_PORT": "9001"})
    assert local.metrics == MetricsAddress("RELAY_METRICS_PORT", 9001, "127.0.0.1")
    everywhere = {**sound, "RELAY_METRICS_PORT": "9001", "RELAY_METRICS_HOST": "0.0.0.0"}
    assert RelayConfig.from_environment(everywhere).metrics == MetricsAddress("RELAY_METRICS_PORT", 9001, "0.0.0.0")


def test_web_process_exits_with_one_line_and_code_2() -> None:
    environment = {"PATH": os.environ["PATH"], **SOUND, "METRICS_TOKEN": "", "SCHEDULING_PORT": str(free_port())}
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn/scheduling.py", "scheduling_service.wsgi:app"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "METRICS_TOKEN is not set" in ended.stderr
    assert "Traceback" not in ended.stderr
