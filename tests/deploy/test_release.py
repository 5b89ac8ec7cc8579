"""A release: its wheels work without the repository, and its tag, version and changelog agree."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deploy.release.__main__ import main
from deploy.release.changelog import notes_of
from deploy.release.wheels import PLANS, WheelPlan, build_wheels, version
from tests.servers import ROOT

CHANGELOG = """
# Changelog

## [Unreleased]

- later

## [1.2.0] - 2030-01-02

### Added

- a thing

## [1.1.0]

- old
"""
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
names = [each.name for each in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
names = [name for name in names if not name.endswith(("wsgi", "__main__", "env", "opentelemetry_recorder"))]
for name in names:
    importlib.import_module(name)
ours = {"contracts", "scheduling_service", "monolith", "deploy", "loadtests"}
loaded = [module for name, module in sys.modules.items() if name.partition(".")[0] in ours and module.__file__]
assert [module.__file__ for module in loaded if not module.__file__.startswith(sys.argv[2])] == []
print(len(names))
"""


def test_the_notes_of_a_version_are_its_part_of_the_changelog() -> None:
    assert notes_of("1.2.0", CHANGELOG) == "### Added\n\n- a thing"


@pytest.mark.parametrize(
    "wanted, message", [("1.3.0", "has no heading for 1.3.0"), ("1.1.0", "the heading of 1.1.0 has no date")]
)
def test_a_version_that_is_not_in_the_changelog_is_refused(wanted: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        notes_of(wanted, CHANGELOG)


def test_a_tag_of_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"the tag v0.0.1 does not name version {version()}"):
        main("v0.0.1", tmp_path / "release")
    assert not (tmp_path / "release").exists()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    built = build_wheels(tmp_path_factory.mktemp("wheels"))
    return {wheel.name.split("-")[0].removeprefix("extraction_"): wheel for wheel in built}


@pytest.mark.tools
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.package)
def test_every_module_of_a_wheel_is_imported_from_wheels_alone(
    plan: WheelPlan, wheels: dict[str, Path], tmp_path: Path
) -> None:
    for package in (plan.package, *plan.needs):
        with zipfile.ZipFile(wheels[package]) as wheel:
            assert {name.split("/")[0] for name in wheel.namelist()} == {package, f"{wheel_prefix(package)}.dist-info"}
            wheel.extractall(tmp_path)
    command = [sys.executable, "-P", "-c", IMPORT_ALL, plan.package, str(tmp_path)]
    imported = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert imported.returncode == 0, imported.stderr
    assert int(imported.stdout) > 20


@pytest.mark.tools
def test_a_wheel_contains_the_files_that_are_no_code(wheels: dict[str, Path]) -> None:
    expected = (
        "contracts/scheduling/openapi.json",
        "scheduling_service/engine/migrations/versions/0002_tables.sql",
        "monolith/web/templates/appointment.html",
        "monolith/shared/localization/translations/de/LC_MESSAGES/messages.po",
    )
    for file in expected:
        assert (ROOT / file).exists()
        assert file in zipfile.ZipFile(wheels[file.partition("/")[0]]).namelist()


def wheel_prefix(package: str) -> str:
    return f"extraction_{package}-{version()}"
