"""Both images, built and run: a business is created through the monolith's container in the service's container."""

import json
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from deploy.devstack.ports import free_port
from deploy.gunicorn.probe import answers
from tests.databases import Databases, fresh_databases
from tests.deploy.declared import read_environment_file
from tests.deploy.docker_engine import BASE, DockerEngine, docker_engine, wheel_server
from tests.deploy.dockerfile import IMAGES
from tests.polling import eventually
from tests.servers import ROOT, Servers
from tests.site import Client

pytestmark = pytest.mark.tools

# As compose.yaml confines them; the test's servers listen on the loopback interface only.
CONFINED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
ABSENT_FROM_THE_SERVICE = ("monolith", "loadtests", "argon2", "icalendar", "openfeature", "rich", "pip")
FIGURES = ROOT / ".artifacts/images.json"
"""Sizes and start-up times, for deploy/images/README.md."""
COMMANDS_OF_THE_IMAGE = """
from importlib.metadata import entry_points
for entry in entry_points(group="extraction.commands"):
    if entry.module.startswith("deploy."):
        entry.load()
        print(entry.name)
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    with docker_engine(tmp_path_factory.mktemp("docker")) as engine:
        with wheel_server(tmp_path_factory.mktemp("wheels")) as pip_configuration:
            for image in IMAGES:
                engine.build(image, pip_configuration)
        yield engine


@pytest.fixture(scope="module")
def databases(servers: Servers) -> Iterator[Databases]:
    with fresh_databases(servers) as databases:
        yield databases


@pytest.fixture
def settings(databases: Databases, secrets_folder: Path) -> dict[str, dict[str, str]]:
    """The settings of each deployment."""
    token = {name: read_environment_file(secrets_folder / f"{name}-token.env") for name in IMAGES}
    metrics = read_environment_file(secrets_folder / "metrics.env")
    common = {"WEB_HOST": "127.0.0.1", "PROMETHEUS_MULTIPROC_DIR": "/tmp/metrics", **metrics}
    scheduling_port, monolith_port = str(free_port()), str(free_port())
    return {
        "scheduling": {
            **common,
            **token["scheduling"],
            "SCHEDULING_DATABASE_URL": databases.scheduling_url,
            "DATABASE_ROLE_SECRET": databases.role_secret,
            "SCHEDULING_PORT": scheduling_port,
        },
        "monolith": {
            **common,
            **token["monolith"],
            "MONOLITH_DATABASE_URL": databases.monolith_url,
            "DATABASE_ROLE_SECRET": databases.role_secret,
            "SCHEDULING_SERVICE_URL": f"http://127.0.0.1:{scheduling_port}",
            "SCHEDULING_ADAPTER": "http",
            "MONOLITH_PORT": monolith_port,
            "PUBLIC_URL": f"http://127.0.0.1:{monolith_port}",
        },
    }


def test_images_carry_their_identity_and_run_as_nobody(engine: DockerEngine) -> None:
    for image in IMAGES:
        (described,) = json.loads(engine.run("image", "inspect", f"extraction-{image}:test"))
        configuration: dict[str, Any] = described["Config"]
        assert configuration["User"] == "10001:10001"
        assert configuration["Labels"]["org.opencontainers.image.version"] == "test"
        assert configuration["Healthcheck"]["Test"][-1] == image


def test_the_image_of_the_service_contains_nothing_of_the_monolith(engine: DockerEngine) -> None:
    code = f"import importlib.util as u; print([m for m in {ABSENT_FROM_THE_SERVICE} if u.find_spec(m)])"
    run = ["run", "--rm", "--network", "none", *CONFINED, "extraction-scheduling:test"]
    assert engine.run(*run, "python", "-c", code) == "[]"
    assert engine.run(*run, "find", "/opt", "/app", "-iname", "*monolith*") == ""


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_can_send_traces(engine: DockerEngine, image: str) -> None:
    code = "import opentelemetry.sdk.trace, opentelemetry.exporter.otlp.proto.http.trace_exporter"
    engine.run("run", "--rm", "--network", "none", *CONFINED, f"extraction-{image}:test", "python", "-c", code)


def test_the_image_of_the_monolith_has_every_command_of_deploy(engine: DockerEngine) -> None:
    run = ["run", "--rm", "--network", "none", *CONFINED, "extraction-monolith:test"]
    listed = engine.run(*run, "python", "-c", COMMANDS_OF_THE_IMAGE).splitlines()
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["extraction.commands"]
    assert set(listed) == {name for name, entry in declared.items() if entry.startswith("deploy.")}
    offered = engine.run(*run, "extraction", "--help")
    assert [name for name in listed if f" {name} " not in offered] == []


def test_the_console_answers_from_the_image_of_the_monolith(
    engine: DockerEngine, settings: dict[str, dict[str, str]], databases: Databases
) -> None:
    port = str(free_port())
    environment = settings["monolith"] | {
        "CONSOLE_PORT": port,
        "CONSOLE_URL": f"http://127.0.0.1:{port}",
        "MONOLITH_DATABASE_ROLE_SECRET": databases.role_secret,
        "SCHEDULING_DATABASE_ROLE_SECRET": databases.role_secret,
        "SCHEDULING_DATABASE_URL": databases.scheduling_url,
    }
    del environment["PROMETHEUS_MULTIPROC_DIR"]
    command = ["gunicorn", "-c", "python:deploy.gunicorn.console", "deploy.console.wsgi:app"]
    try:
        engine.run("run", "--detach", "--name", "console", *options(environment), "extraction-monolith:test", *command)
        eventually(lambda: answers(int(port), "/healthz"), "the console's health", seconds=30)
        page = requests.get(f"http://127.0.0.1:{port}/ops/sign-in", timeout=10)
        assert page.status_code == 200, engine.run("logs", "console")
    finally:
        engine.run("rm", "--force", "console")


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_sets_up_and_checks_its_database(engine: DockerEngine, databases: Databases, image: str) -> None:
    url = urlsplit(databases.monolith_admin_url if image == "monolith" else databases.scheduling_admin_url)
    without_password = url._replace(netloc=f"{url.username}@{url.hostname}:{url.port}").geturl()
    environment = {
        f"{image.upper()}_DATABASE_URL": without_password,
        "PGPASSWORD": url.password or "",
        "DATABASE_ROLE_SECRET": databases.role_secret,
    }
    for action in ("setup", "check"):
        command = ["python", "-m", "deploy.databases", action, image]
        output = engine.run("run", "--rm", *options(environment), f"extraction-{image}:test", *command)
        assert output.startswith(f"the {image} database is ready")


def test_a_business_is_created_across_both_containers(
    engine: DockerEngine, settings: dict[str, dict[str, str]]
) -> None:
    measured: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        for image in IMAGES:
            stack.callback(engine.run, "rm", "--force", image)
            began = time.monotonic()
            engine.run("run", "--detach", "--name", image, *options(settings[image]), f"extraction-{image}:test")
            port = int(settings[image][f"{image.upper()}_PORT"])
            eventually(lambda port=port: answers(port, "/healthz"), f"the first answer of {image}")  # type: ignore[misc]
            added = size(engine, f"extraction-{image}:test") - size(engine, BASE)
            measured[image] = {"mb_above_base": added / 1e6, "seconds_to_first_answer": time.monotonic() - began}
        for image in IMAGES:
            eventually(lambda name=image: health(engine, name) == "healthy", f"health of {image}")  # type: ignore[misc]
        signed_up = Client(settings["monolith"]["PUBLIC_URL"]).sign_up("from-a-container")
        assert signed_up.status_code == 201, engine.run("logs", "monolith")
        for image in IMAGES:
            engine.run("stop", "--time", "20", image)
            assert engine.run("inspect", "--format", "{{.State.ExitCode}}", image) == "0"
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(measured, indent=2))


@pytest.mark.parametrize(
    "image, module",
    [
        ("scheduling", "scheduling_service.relay"),
        ("monolith", "monolith.worker"),
        ("monolith", "monolith.cutover.daemon"),
    ],
)
def test_a_background_process_runs_and_stops(
    engine: DockerEngine, databases: Databases, settings: dict[str, dict[str, str]], image: str, module: str
) -> None:
    environment = settings[image] | {
        "REDIS_URL": databases.redis_url,
        "SMTP_URL": "smtp://127.0.0.1:1",
        "MONOLITH_DATABASE_ROLE_SECRET": databases.role_secret,
        "SCHEDULING_DATABASE_ROLE_SECRET": databases.role_secret,
        "SCHEDULING_DATABASE_URL": databases.scheduling_url,
    }
    del environment["PROMETHEUS_MULTIPROC_DIR"]
    name = module.replace(".", "-")
    try:
        run = ["run", "--detach", "--name", name, *options(environment), f"extraction-{image}:test"]
        engine.run(*run, "python", "-m", module)
        # It connects to its databases first; a process that cannot work has ended by then.
        with pytest.raises(AssertionError, match="did not happen"):
            eventually(lambda: state(engine, name) != "running", "the end of the process", seconds=4)
        engine.run("stop", "--time", "20", name)
        assert engine.run("inspect", "--format", "{{.State.ExitCode}}", name) == "0", engine.run("logs", name)
    finally:
        engine.run("rm", "--force", name)


def options(environment: dict[str, str]) -> list[str]:
    variables = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    return ["--network", "host", *CONFINED, *variables]


def size(engine: DockerEngine, image: str) -> int:
    """Return the size of an image in bytes."""
    return int(engine.run("image", "inspect", "--format", "{{.Size}}", image))


def health(engine: DockerEngine, container: str) -> str:
    return engine.run("inspect", "--format", "{{.State.Health.Status}}", container)


def state(engine: DockerEngine, container: str) -> str:
    return engine.run("inspect", "--format", "{{.State.Status}}", container)
