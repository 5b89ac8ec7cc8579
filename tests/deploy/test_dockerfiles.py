"""The images contain what their processes need and nothing of the other deployable; `test_images.py` builds them."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.gunicorn.settings import monolith_port, scheduling_port
from deploy.settings.processes import PROCESSES
from tests.deploy.context import copy_context, patterns
from tests.deploy.declared import declared_process
from tests.deploy.dockerfile import IMAGES, default_command, dockerfile, instructions
from tests.deploy.programs import program
from tests.servers import ROOT

PORTS = {"monolith": monolith_port({}), "scheduling": scheduling_port({})}
# `wsgi` reads the environment when it is imported; the other modules only in `main`.
IMPORT = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def commands_of_the_image() -> list[str]:
    """Return the modules of the `extraction` commands, except those of the load tests, which the image leaves out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    modules = [entry.partition(":")[0] for entry in project["entry-points"]["extraction.commands"].values()]
    return ["deploy.cli.main", *(module for module in modules if module.startswith("deploy."))]


MODULES = {
    "monolith": [
        *("monolith.app", "monolith.wiring", "monolith.worker", "monolith.cutover.daemon", "deploy.gunicorn.probe"),
        *("deploy.console.wiring", "deploy.databases.__main__", "deploy.gunicorn.monolith", "deploy.gunicorn.console"),
        *commands_of_the_image(),
    ],
    "scheduling": [
        *("scheduling_service.web.app", "scheduling_service.relay.__main__", "scheduling_service.engine.engine"),
        *("deploy.databases.__main__", "deploy.gunicorn.scheduling", "deploy.gunicorn.probe"),
    ],
}


@pytest.mark.parametrize("image", IMAGES)
def test_every_path_of_the_build_exists(image: str) -> None:
    allowed, excluded = patterns(image)
    assert [path for path in [*allowed, *excluded] if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("image", IMAGES)
def test_the_copied_files_suffice_for_every_process(image: str, tmp_path: Path) -> None:
    copy_context(image, tmp_path)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", IMPORT, *MODULES[image]]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    imported = set(result.stdout.split())
    assert {"contracts", "scheduling_service", "deploy"} <= imported
    assert ("monolith" in imported) == (image == "monolith")


def test_the_image_of_the_service_receives_nothing_of_the_monolith(tmp_path: Path) -> None:
    copy_context("scheduling", tmp_path)
    named = [path for path in tmp_path.rglob("*") if "monolith" in path.name]
    assert named == []


@pytest.mark.parametrize("image", IMAGES)
def test_a_container_runs_as_a_numbered_user_with_a_health_check(image: str) -> None:
    assert instructions(image, "USER") == ["10001:10001"]
    assert instructions(image, "EXPOSE") == [str(PORTS[image])]
    (check,) = instructions(image, "HEALTHCHECK")
    assert check.endswith(f'CMD ["python", "-m", "deploy.gunicorn.probe", "{image}"]')
    assert instructions(image, "ARG") == ["BASE=python:3.13-slim-bookworm", "VERSION=unknown", "REVISION=unknown"]
    assert [base.split()[0] for base in instructions(image, "FROM")] == ["${BASE}", "${BASE}"]
    (labels,) = instructions(image, "LABEL")
    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels


@pytest.mark.parametrize("image", IMAGES)
def test_the_default_command_is_the_web_process(image: str) -> None:
    web = next(process for process in PROCESSES if process.name == f"{image} web")
    assert tuple(default_command(image)) == web.command
    with pytest.raises(AssertionError, match="no process of the product"):
        declared_process([*default_command(image), "--reload"], {})


@pytest.mark.tools
@pytest.mark.parametrize("image", IMAGES)
def test_hadolint_finds_nothing(image: str) -> None:
    result = subprocess.run([program("hadolint"), dockerfile(image)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.tools
def test_shellcheck_finds_nothing() -> None:
    script = ROOT / "deploy/settings/new-secrets.sh"
    result = subprocess.run([program("shellcheck"), script], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.tools
@pytest.mark.parametrize("lock", ["service", "cli", "tracing"])
def test_the_bill_of_materials_lists_every_locked_package(lock: str, tmp_path: Path) -> None:
    requirements, bill = ROOT / f"deploy/requirements/{lock}.txt", tmp_path / "bill.json"
    command: list[str | Path] = [program("cyclonedx-py"), "requirements", requirements, "--output-file", bill]
    subprocess.run(command, check=True, capture_output=True)
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", requirements.read_text(), re.MULTILINE))
    listed = {component["name"]: component for component in json.loads(bill.read_text())["components"]}
    assert {name: component["version"] for name, component in listed.items()} == locked
    assert all(component["externalReferences"][0]["hashes"] for component in listed.values())
