"""`compose.yaml` is valid, and everything that it names exists: commands, settings, ports, folders, conditions."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.devstack.postgres import SETTINGS as POSTGRES_SETTINGS
from deploy.gunicorn.probe import PORTS as PROBED
from deploy.gunicorn.settings import health_port
from deploy.settings.processes import COMMAND_SETTINGS, Process
from tests.deploy.declared import declared_process, long_running, port_of, read_environment_file
from tests.deploy.dockerfile import default_command, dockerfile
from tests.deploy.programs import program
from tests.servers import ROOT

FOLDER = ROOT / "deploy/compose"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("extraction-")}
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def environment_of(name: str, secrets: Path) -> dict[str, str]:
    """Return the service's environment as Compose builds it: files first, then the listed values."""
    service = SERVICES[name]
    files = service.get("env_file", [])
    environment: dict[str, str] = {}
    for file in [files] if isinstance(files, str) else files:
        environment |= read_environment_file(secrets / file.removeprefix("secrets/"))
    listed: Mapping[str, str] = service.get("environment", {})
    return environment | {name: _VARIABLE.sub(r"\2", value) for name, value in listed.items()}


def process_of(name: str, secrets: Path) -> Process:
    image = SERVICES[name]["image"].partition(":")[0].removeprefix("extraction-")
    command = SERVICES[name].get("command") or default_command(image)
    return declared_process(command, environment_of(name, secrets))


def processes() -> list[str]:
    """Return the services that run the product, except the one for commands."""
    return [name for name in OURS if "entrypoint" not in OURS[name]]


def test_the_file_agrees_with_the_compose_specification() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command: list[str | Path] = [checker, "--builtin-schema", "vendor.compose-spec", FOLDER / "compose.yaml"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", processes())
def test_a_service_starts_a_process_with_the_settings_that_it_reads(name: str, secrets_folder: Path) -> None:
    assert process_of(name, secrets_folder).name.replace(" ", "-") in (name, f"monolith-{name}", name_of_set_up(name))


def name_of_set_up(service: str) -> str:
    return f"{service.removeprefix('set-up-')}-set-up"


def test_every_long_running_process_has_a_service(secrets_folder: Path) -> None:
    assert {process_of(name, secrets_folder).name for name in processes()} >= long_running()


@pytest.mark.parametrize("setting", ["PUBLIC_URI", "RELAY_METRICS_PORT"])
def test_a_setting_that_the_process_does_not_read_is_found(setting: str, secrets_folder: Path) -> None:
    environment = environment_of("monolith-web", secrets_folder) | {setting: "1"}
    with pytest.raises(AssertionError, match=f"does not read \\['{setting}'\\]"):
        declared_process(default_command("monolith"), environment)


def test_the_service_for_commands_has_the_settings_of_the_extraction_command(secrets_folder: Path) -> None:
    assert SERVICES["extraction"]["entrypoint"] == ["extraction"]
    assert set(environment_of("extraction", secrets_folder)) <= set(COMMAND_SETTINGS)


def test_urls_name_a_service_and_its_port(secrets_folder: Path) -> None:
    named = {
        (host, int(port))
        for name in processes()
        for value in environment_of(name, secrets_folder).values()
        for host, port in re.findall(r"//(?:\w+@)?([a-z-]+):(\d+)", value)
    }
    assert named == {
        ("postgres-monolith", 5432),
        ("postgres-scheduling", 5432),
        ("valkey", 6379),
        ("mailpit", 1025),
        ("monolith-web", port_of(process_of("monolith-web", secrets_folder), {})),
        ("scheduling-web", port_of(process_of("scheduling-web", secrets_folder), {})),
    }


def test_scraped_published_and_probed_ports_are_served(secrets_folder: Path) -> None:
    served = {
        name: port_of(process_of(name, secrets_folder), environment_of(name, secrets_folder)) for name in processes()
    }
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target for job in jobs for group in job["static_configs"] for target in group["targets"]]
    assert set(targets) == {f"{name}:{port}" for name, port in served.items() if port}
    assert SERVICES["monolith-web"]["ports"] == [f"127.0.0.1:{served['monolith-web']}:{served['monolith-web']}"]
    for name in ("monolith-web", "scheduling-web"):
        module, deployment, path = SERVICES[name]["healthcheck"]["test"][3:]
        assert (module, path) == ("deploy.gunicorn.probe", "/readyz")
        assert PROBED[deployment]({}) == served[name]
        assert health_port(environment_of(name, secrets_folder)) not in (None, *served.values())


@pytest.mark.tools
def test_prometheus_accepts_its_configuration() -> None:
    command: list[str | Path] = [program("promtool", "apt install prometheus"), "check", "config", "--syntax-only"]
    result = subprocess.run([*command, FOLDER / "prometheus.yml"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_grafana_is_provisioned_with_the_dashboards_and_nobody_can_log_in() -> None:
    mounted = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    (provider,) = yaml.safe_load((FOLDER / "grafana/dashboards/extraction.yml").read_text())["providers"]
    (source,) = yaml.safe_load((FOLDER / "grafana/datasources/prometheus.yml").read_text())["datasources"]
    assert mounted["../observability/grafana"] == provider["options"]["path"]
    assert source["url"] == "http://prometheus:9090"
    environment = SERVICES["grafana"]["environment"]
    assert (environment["GF_AUTH_BASIC_ENABLED"], environment["GF_AUTH_DISABLE_LOGIN_FORM"]) == ("false", "true")
    assert SERVICES["prometheus"]["volumes"][1] == "../observability/prometheus:/etc/prometheus/rules:ro"


def test_a_service_waits_for_what_it_uses() -> None:
    for name in processes():
        conditions = {other: each["condition"] for other, each in OURS[name]["depends_on"].items()}
        for other, condition in conditions.items():
            one_shot = other.startswith("set-up-")
            assert condition == ("service_completed_successfully" if one_shot else "service_healthy"), name
            assert one_shot or "disable" not in SERVICES[other].get("healthcheck", {}), f"{other} has no health check"


def test_containers_of_the_product_are_built_from_this_repository_and_confined() -> None:
    for name, service in OURS.items():
        file = (FOLDER / service["build"]["context"] / service["build"]["dockerfile"]).resolve()
        assert file == dockerfile(service["image"].partition(":")[0].removeprefix("extraction-"))
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_the_databases_have_the_replication_settings_of_the_development_stack() -> None:
    for name in ("postgres-monolith", "postgres-scheduling"):
        options = dict(option.removeprefix("--").split("=") for option in SERVICES[name]["command"][1:])
        assert options == {option: POSTGRES_SETTINGS[option] for option in options}
        assert {"wal_level", "max_wal_senders", "max_replication_slots", "max_slot_wal_keep_size"} <= set(options)


def test_no_port_is_published_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 5
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_mounted_files_exist(secrets_folder: Path) -> None:
    mounted = [volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [path for path in mounted if path.startswith(".")]
    assert [path for path in files if not (FOLDER / path).exists()] == []
    assert {path for path in mounted if path not in files} == set(COMPOSE["volumes"])
    assert (secrets_folder / COMPOSE["secrets"]["metrics-token"]["file"].removeprefix("secrets/")).exists()
