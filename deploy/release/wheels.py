"""The wheels of a release: contracts, the scheduling service and the monolith, each of its own packages only."""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class WheelPlan:
    """One wheel: the package that it contains, the extra that names its dependencies, and the wheels that it needs.

    `only` limits the dependencies to these of the extra.
    """

    package: str
    extra: str
    needs: Sequence[str] = ()
    only: Sequence[str] | None = None

    @property
    def name(self) -> str:
        return distribution(self.package)


PLANS: Final = (
    WheelPlan("contracts", "service", only=["prometheus-client", "psycopg", "redis"]),
    WheelPlan("scheduling_service", "service", ["contracts"]),
    # Until the extraction is final, the monolith runs the engine in its own process too.
    WheelPlan("monolith", "monolith", ["contracts", "scheduling_service"]),
)


def distribution(package: str) -> str:
    return f"extraction-{package.replace('_', '-')}"


def version() -> str:
    """Return the version of the product."""
    return str(_project()["version"])


def build_wheels(folder: Path) -> list[Path]:
    """Build all wheels into `folder`, from the packages alone: what a wheel lacks is not found there either."""
    with tempfile.TemporaryDirectory() as scratch:
        for plan in PLANS:
            source = Path(scratch) / plan.package
            source.mkdir()
            shutil.copytree(ROOT / plan.package, source / plan.package, ignore=shutil.ignore_patterns("__pycache__"))
            for file in ("LICENSE", "README.md"):
                shutil.copy(ROOT / file, source)
            (source / "pyproject.toml").write_text(project_file(plan))
            options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder)]
            subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    return sorted(folder.glob("extraction_*.whl"))


def project_file(plan: WheelPlan) -> str:
    """Return the pyproject.toml of a wheel, with the version and the requirements of the product's own."""
    project = _project()
    needed = _requirements(project["optional-dependencies"], plan.extra)
    if plan.only is not None:
        needed = [each for each in needed if each.startswith(tuple(plan.only))]
    requirements = [*project["dependencies"], *needed]
    requirements += [f"{distribution(package)}=={project['version']}" for package in plan.needs]
    fields: Mapping[str, str] = {
        "name": _text(plan.name),
        "version": _text(project["version"]),
        "description": _text(f"{project['description']} This package: {plan.package}."),
        "requires-python": _text(project["requires-python"]),
        "license": _text(project["license"]),
        "readme": _text("README.md"),
        "dependencies": f"[{', '.join(_text(each) for each in requirements)}]",
    }
    lines = [f"{name} = {value}" for name, value in fields.items()]
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    return "\n".join(
        [
            "[build-system]",
            'requires = ["setuptools>=80"]',
            'build-backend = "setuptools.build_meta"',
            "[project]",
            *lines,
            "[tool.setuptools.packages.find]",
            f'include = ["{plan.package}*"]',
            "[tool.setuptools.package-data]",
            f'"*" = [{", ".join(_text(pattern) for pattern in data)}]',
        ]
    )


def _requirements(extras: Mapping[str, Sequence[str]], extra: str) -> list[str]:
    """Return the requirements of an extra, and of those that it includes."""
    found: list[str] = []
    for requirement in extras[extra]:
        included = requirement.removeprefix("extraction[").removesuffix("]")
        found += [requirement] if included == requirement else _requirements(extras, included)
    return found


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
