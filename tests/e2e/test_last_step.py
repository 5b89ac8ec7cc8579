"""The last step of the extraction: delete `in_process.py`, `monolith/cutover/` and their import rule, and book.

Both deployables run from the remaining tree: the monolith from a copy without the service, the service from a wheel
without the monolith.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from deploy.devstack.keys import load_keys
from deploy.devstack.ports import free_port
from deploy.devstack.program import Program, http_check
from tests.databases import Databases, fresh_databases
from tests.e2e.shop import PRICE_MINOR, Customer, Shop, answered, furnished_shop
from tests.polling import eventually
from tests.servers import ROOT, Servers

DELETED = ("monolith/modules/scheduling/adapters/in_process.py", "monolith/cutover")
RULE = "3-service"
PACKAGES = ("contracts", "scheduling_service", "monolith", "deploy", "loadtests")
ABSENT = 'raise ImportError("the extraction is final: the service is not installed with the monolith")\n'


@dataclass(frozen=True)
class Product:
    """Both deployables. `url` is the monolith's; `databases` belong to both."""

    url: str
    databases: Databases


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository after the last step."""
    folder = tmp_path_factory.mktemp("final")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in DELETED:
        assert (folder / path).exists(), f"{path} is deleted by the last step"
        (shutil.rmtree if (folder / path).is_dir() else os.unlink)(folder / path)
    rules = (ROOT / "pyproject.toml").read_text()
    without, count = re.subn(
        rf'\[\[tool\.importlinter\.contracts\]\]\nid = "{RULE}"\n.*?\n\n', "", rules, flags=re.DOTALL
    )
    assert count == 1
    (folder / "pyproject.toml").write_text(without)
    shutil.copy(ROOT / "README.md", folder)
    return folder


@pytest.fixture(scope="module")
def monolith_alone(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The monolith as deployed. Importing the service fails even where it is installed."""
    folder = tmp_path_factory.mktemp("monolith")
    for package in ("contracts", "monolith"):
        shutil.copytree(tree / package, folder / package)
    (folder / "scheduling_service.py").write_text(ABSENT)
    return folder


@pytest.fixture(scope="module")
def service_wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed contents of a wheel built from the service and its contracts only."""
    source, wheels, installed = (tmp_path_factory.mktemp(name) for name in ("source", "wheels", "installed"))
    for package in ("contracts", "scheduling_service"):
        shutil.copytree(tree / package, source / package)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(tree / name, source)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, source)
    (wheel,) = wheels.glob("*.whl")
    pip("install", "--no-deps", "--target", installed, wheel)
    for package in ("monolith", "deploy", "loadtests"):
        (installed / f"{package}.py").write_text(ABSENT)
    return installed


@pytest.fixture(scope="module")
def product(
    servers: Servers, monolith_alone: Path, service_wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    logs = tmp_path_factory.mktemp("logs")
    keys = load_keys(logs / "keys.json")
    with fresh_databases(servers) as databases, ExitStack() as stack:
        service_url = f"http://127.0.0.1:{free_port()}"
        monolith_url = f"http://127.0.0.1:{free_port()}"
        service = {
            "SCHEDULING_DATABASE_URL": databases.scheduling_url,
            "DATABASE_ROLE_SECRET": databases.role_secret,
            "SERVICE_TOKEN_VERIFY_KEYS": keys.verify_keys,
            "METRICS_TOKEN": keys.metrics_token,
            "REDIS_URL": databases.redis_url,
        }
        monolith = {
            "MONOLITH_DATABASE_URL": databases.monolith_url,
            "DATABASE_ROLE_SECRET": databases.role_secret,
            "SCHEDULING_SERVICE_URL": service_url,
            "SCHEDULING_ADAPTER": "http",
            "SERVICE_TOKEN_SIGNING_KEY": keys.signing_key,
            "METRICS_TOKEN": keys.metrics_token,
            "PUBLIC_URL": monolith_url,
            "REDIS_URL": databases.redis_url,
            "SMTP_URL": f"smtp://127.0.0.1:{free_port()}",
        }
        for process in (
            web("scheduling_service", service_wheel, service_url, service, logs),
            background("scheduling_service.relay", service_wheel, service, logs),
            web("monolith", monolith_alone, monolith_url, monolith, logs),
            background("monolith.worker", monolith_alone, monolith, logs),
        ):
            stack.enter_context(process)
        yield Product(monolith_url, databases)


@pytest.fixture(scope="module")
def shop(product: Product) -> Shop:
    return furnished_shop(product.url, "after-the-extraction", "http")


def test_import_rules_hold_without_the_rule_of_the_extraction(tree: Path) -> None:
    command: list[str | Path] = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    result = subprocess.run(
        command, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_appointment_is_booked_and_invoiced(product: Product, shop: Shop) -> None:
    customer = Customer(product, shop)
    starts_at = answered(customer.slots())["slots"][0]["starts_at"]
    booked = answered(customer.book(starts_at))
    assert booked["starts_at"] == starts_at
    assert customer.book(starts_at).status_code == 409
    eventually(lambda: totals(customer) == [PRICE_MINOR], "the invoice of the booking")


def test_no_scheduling_data_is_left_in_the_database_of_the_monolith(product: Product, shop: Shop) -> None:
    rows = "SELECT count(*) FROM scheduling.business WHERE business_id = %s"
    assert count(product.databases.scheduling_admin_url, rows, shop.business_id) == 1
    assert count(product.databases.monolith_admin_url, rows, shop.business_id) == 0


def web(package: str, folder: Path, url: str, settings: Mapping[str, str], logs: Path) -> Program:
    """Run the package's web under plain gunicorn, imported from `folder`."""
    address = url.removeprefix("http://")
    options = ["--worker-class", "gthread", "--threads", "4", "--no-control-socket", "--bind", address]
    return Program(
        f"{package} web",
        ["-m", "gunicorn", "--chdir", str(folder), *options, f"{package}.wsgi:app"],
        isolated(folder, settings),
        log=logs / f"{package}-web.log",
        is_ready=http_check(int(address.rpartition(":")[2]), "/readyz"),
    )


def background(module: str, folder: Path, settings: Mapping[str, str], logs: Path) -> Program:
    return Program(module, ["-m", module], isolated(folder, settings), log=logs / f"{module}.log")


def isolated(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that imports the product from `folder` only."""
    return {**settings, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


def totals(customer: Customer) -> list[int]:
    return [invoice["total_minor"] for invoice in answered(customer.invoices())["invoices"]]


def count(url: str, statement: str, business_id: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode(), (business_id,)).fetchone()
    assert row is not None
    return int(row[0])


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)
