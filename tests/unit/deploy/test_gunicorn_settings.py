"""Settings of the web servers: malformed values end the server with one line."""

import os
import subprocess
import sys
from ipaddress import ip_network

import pytest

from contracts.chassis.settings import ConfigError
from deploy.gunicorn.settings import ServerSettings, monolith_port, scheduling_port
from tests.servers import ROOT


def test_defaults_listen_on_the_loopback_interface_and_trust_no_proxy() -> None:
    settings = ServerSettings.from_environment({})
    assert (settings.host, settings.workers, settings.threads) == ("127.0.0.1", 2, 8)
    assert settings.trusted_proxies == ()
    assert settings.metrics_folder is None
    assert (monolith_port({}), scheduling_port({})) == (8000, 8001)


@pytest.mark.parametrize(
    "name, value", [("WEB_WORKERS", "0"), ("WEB_WORKERS", "two"), ("WEB_THREADS", "-1"), ("TRUSTED_PROXIES", "proxy")]
)
def test_a_malformed_value_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is malformed"):
        ServerSettings.from_environment({name: value})


def test_gunicorn_trusts_the_proxies_that_the_application_trusts() -> None:
    settings = ServerSettings.from_environment({"TRUSTED_PROXIES": "10.0.0.0/8, ::1"})
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))
    code = "from deploy.gunicorn.web import forwarded_allow_ips; print(forwarded_allow_ips)"
    environment = os.environ | {"TRUSTED_PROXIES": "10.0.0.0/8, ::1"}
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert printed.stdout.strip() == "10.0.0.0/8,::1/128"


def test_a_server_with_a_malformed_setting_ends_with_one_line() -> None:
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "python:deploy.gunicorn.scheduling",
        "scheduling_service.wsgi:app",
    ]
    environment = os.environ | {"SCHEDULING_PORT": "high"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.strip() == "scheduling: SCHEDULING_PORT is malformed: it must be a whole number from 1 to 65535"
