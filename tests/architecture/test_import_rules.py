"""The import rules in pyproject.toml hold, and each of them catches a violation that is planted in a copy."""

import ast
import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("deploy", "monolith", "scheduling_service", "contracts", "loadtests")

# rule, module that breaks it, the import that it may not have
VIOLATIONS = [
    ("1-deployables", "contracts.scheduling.codec", "import scheduling_service.config"),
    ("1-deployables", "contracts.chassis.leadership", "import scheduling_service.engine.database"),
    ("1-deployables", "contracts.scheduling.port", "import monolith.app"),
    ("1-deployables", "scheduling_service.wsgi", "import monolith.app"),
    ("1-deployables", "scheduling_service.engine.lease", "import monolith.cutover.databases"),
    ("1-deployables", "scheduling_service.engine.rules", "import monolith.shared.database"),
    ("1-deployables", "monolith.app", "import deploy.errors"),
    ("1-deployables", "deploy.errors", "import loadtests.lab.verdict.verdict"),
    ("1-generator", "loadtests.generator.planted", "import monolith.config"),
    ("1-generator", "loadtests.generator.planted", "import scheduling_service.engine.rules"),
    ("1-generator", "loadtests.generator.planted", "import deploy.databases.set_up"),
    ("1-generator", "loadtests.generator.planted", "import contracts.chassis.backoff"),
    ("1-loadtests-layers", "loadtests.harness.cores", "import loadtests.lab.laboratory"),
    ("1-loadtests-layers", "loadtests.bench.figures", "import loadtests.story.page"),
    ("1-loadtests-layers", "loadtests.generator.planted", "import loadtests.harness.cores"),
    ("1-loadtests-layers", "loadtests.planted", "import loadtests.generator.arrivals"),
    ("2-contracts", "contracts.chassis.backoff", "import contracts.scheduling.errors"),
    ("2-contracts", "contracts.planted", "import contracts.chassis"),
    ("2-service-layers", "scheduling_service.engine.rules", "import scheduling_service.web"),
    ("2-service-layers", "scheduling_service.engine.rules", "import scheduling_service.config"),
    ("2-service-layers", "scheduling_service.web.app", "import scheduling_service.relay"),
    ("2-service-layers", "scheduling_service.maintenance.due_businesses", "import scheduling_service.relay"),
    ("2-service-layers", "scheduling_service.engine.rules", "import scheduling_service.maintenance"),
    ("2-service-layers", "scheduling_service.web.app", "import scheduling_service.wsgi"),
    ("2-service-layers", "scheduling_service.planted", "import scheduling_service.engine"),
    ("2-monolith-layers", "monolith.shared.database.database", "import monolith.modules.billing.api"),
    ("2-monolith-layers", "monolith.modules.billing.service", "import monolith.web"),
    ("2-monolith-layers", "monolith.modules.scheduling.routes", "import monolith.cutover.routing"),
    ("2-monolith-layers", "monolith.cutover.routing", "import monolith.web"),
    ("2-monolith-layers", "monolith.web.formatting", "import monolith.wiring"),
    ("2-monolith-layers", "monolith.wiring", "import monolith.app"),
    ("2-monolith-layers", "monolith.app", "import monolith.wsgi"),
    ("2-monolith-layers", "monolith.wsgi", "import monolith.worker"),
    ("2-monolith-layers", "monolith.planted", "import monolith.shared"),
    ("3-service", "monolith.wiring", "import scheduling_service.engine.engine"),
    ("3-service", "monolith.worker", "import scheduling_service.relay.relay"),
    ("3-service", "monolith.modules.scheduling.routes", "from scheduling_service.engine import booking"),
    ("3-service", "monolith.modules.scheduling.adapters.http", "import scheduling_service.engine.engine"),
    ("4-modules", "monolith.modules.billing.service", "import monolith.modules.auth.service"),
    ("4-modules", "monolith.modules.billing.service", "from monolith.modules.auth import repository"),
    ("4-modules", "monolith.modules.auth.service", "import monolith.modules.notifications.service"),
    ("4-modules", "monolith.modules.notifications.service", "import monolith.modules.billing.tables"),
    ("4-modules", "monolith.modules.scheduling.routes", "import monolith.modules.auth.tables"),
    ("4-modules", "monolith.modules.calendars.feeds", "import monolith.modules.auth.credentials"),
    ("4-events", "monolith.modules.auth.sign_up", "from contracts.scheduling.errors import SchedulingError"),
    ("4-events", "monolith.modules.auth.models", "from contracts.scheduling import values"),
    ("4-events", "monolith.modules.billing.repository", "from contracts.scheduling.models import Appointment"),
    ("4-events", "monolith.modules.notifications.sender", "import contracts.scheduling.codec"),
    ("4-events", "monolith.shared.middleware.errors", "import contracts.scheduling.codec"),
    ("4-events", "monolith.shared.endpoints.call", "def late() -> None:\n    import contracts.scheduling.context"),
    ("4-pages", "monolith.web.appointments", "import contracts.scheduling.codec"),
    ("4-pages", "monolith.web.booking", "from contracts.scheduling.operations import operation_of"),
    ("4-pages", "monolith.web.page_context", "from contracts.scheduling import validation"),
    ("4-adapters", "monolith.worker", "import monolith.modules.scheduling.adapters.in_process"),
    ("4-adapters", "monolith.app", "from monolith.modules.scheduling.adapters import switched"),
    ("4-adapters", "monolith.modules.scheduling.routes", "import monolith.modules.scheduling.adapters.http"),
    ("5-no-http", "scheduling_service.engine.rules", "import flask"),
    ("5-no-http", "scheduling_service.engine.rules", "def late() -> None:\n    import werkzeug.http"),
    ("5-no-http", "scheduling_service.engine.engine", "from requests import Session"),
    ("5-no-http", "contracts.scheduling.codec", "import requests"),
    ("5-no-http", "contracts.chassis.logs", "from werkzeug.exceptions import NotFound"),
    ("5-no-sql", "contracts.scheduling.models", "import sqlalchemy"),
    ("5-no-sql", "contracts.scheduling.models", "import psycopg"),
    ("5-no-sql", "contracts.scheduling.models", "import contracts.chassis.leadership"),
    ("5-chassis", "contracts.chassis.leadership", "import sqlalchemy"),
    ("5-chassis", "contracts.chassis.readiness", "import alembic"),
]

ALLOWED = [
    ("monolith.modules.auth.sign_up", "from contracts.scheduling.events import AppointmentBooked"),
    ("monolith.shared.endpoints.call", "import contracts.chassis.values"),
    ("monolith.web.accounts", "from contracts.scheduling.models import Appointment"),
    ("monolith.modules.billing.service", "import monolith.modules.auth.api"),
    ("monolith.wiring", "import monolith.modules.scheduling.adapters.in_process"),
    ("monolith.worker", "import monolith.wiring"),
    ("loadtests.lab.planted", "import deploy.devstack.ports"),
    ("monolith.cutover.store.ownership", "import scheduling_service.engine.lease"),
    ("contracts.scheduling.codec", "import contracts.chassis.backoff"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages elsewhere, for violations to be planted in and taken out again."""
    folder = tmp_path_factory.mktemp("packages")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_rules_hold() -> None:
    assert lint(ROOT) == set()


def test_every_rule_is_put_to_the_test() -> None:
    declared = re.findall(r'^id = "(\d-[\w-]+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert {rule for rule, _, _ in VIOLATIONS} == set(declared)
    assert {rule[0] for rule in declared} == set("12345")


@pytest.mark.parametrize("rule, module, statement", VIOLATIONS)
def test_a_violation_is_caught(copy: Path, rule: str, module: str, statement: str) -> None:
    with planted(copy, module, statement):
        assert rule in lint(copy)


@pytest.mark.parametrize("module, statement", ALLOWED)
def test_allowed_imports_pass(copy: Path, module: str, statement: str) -> None:
    with planted(copy, module, statement):
        assert lint(copy) == set()


@pytest.mark.parametrize("path", sorted((ROOT / "contracts/scheduling").rglob("*.py")), ids=lambda path: path.name)
def test_the_scheduling_contract_imports_the_standard_library_and_msgspec_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        for name in names:
            assert name.split(".")[0] in {*sys.stdlib_module_names, "msgspec", "contracts"}, name


def lint(folder: Path) -> set[str]:
    """The ids of the broken rules."""
    command: list[str | Path] = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    wide = os.environ | {"COLUMNS": "400", "PYTHONPATH": str(folder)}
    result = subprocess.run(command, cwd=folder, env=wide, capture_output=True, text=True)
    assert "Contracts: " in result.stdout, result.stdout + result.stderr
    broken = re.findall(r"^(.+) BROKEN", result.stdout, re.MULTILINE)
    assert bool(broken) == bool(result.returncode)
    return {rule for rule, name in rules() if name in broken}


def rules() -> list[tuple[str, str]]:
    return re.findall(r'^id = "(.+)"\nname = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


@contextlib.contextmanager
def planted(folder: Path, module: str, statement: str) -> Iterator[None]:
    """The module with an additional statement; a new module if it does not exist."""
    path = folder / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{statement}\n")
    try:
        yield
    finally:
        path.unlink() if before is None else path.write_text(before)
