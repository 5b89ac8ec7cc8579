"""The parts that a second extraction reuses, and what was written for billing, in lines and hours of reading.

`python -m tests.second_extraction.parts` prints both tables of `deploy/docs/extract-your-own.md`; with `--copy FOLDER`,
it copies the reusable parts, and what they import, into an empty folder.
"""

import argparse
import ast
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.servers import ROOT

LINES_PER_HOUR = 400
"""How fast a reviewer reads code that is new to them; inspections find less when they go faster."""

PARTS = {
    "the lease: fence, watermark, release, activate, in any schema": ["scheduling_service.engine.lease"],
    "the cutover: states, the decision, the controller, routing": [
        "monolith.cutover.states",
        "monolith.cutover.checks",
        "monolith.cutover.extracted_module",
        "monolith.cutover.controller",
        "monolith.cutover.routing",
        "monolith.cutover.store.cutovers",
        "monolith.cutover.store.ownership",
        "monolith.cutover.store.servers",
    ],
    "the port: declared operations, context, errors, wire format": [
        "contracts.scheduling.operations",
        "contracts.scheduling.context",
        "contracts.scheduling.errors",
        "contracts.scheduling.codec",
        "contracts.scheduling.validation",
        "contracts.scheduling.service_tokens",
    ],
    "the adapters: switched, and HTTP with breaker, retries, deadlines": [
        "monolith.modules.scheduling.adapters.switched",
        "monolith.modules.scheduling.adapters.http",
        "monolith.modules.scheduling.adapters.request_builder",
        "monolith.modules.scheduling.adapters.replies",
        "monolith.modules.scheduling.adapters.failures",
        "monolith.modules.scheduling.adapters.limits",
        "monolith.modules.scheduling.adapters.metrics",
        "monolith.modules.scheduling.adapters.tokens",
        "monolith.modules.scheduling.adapters.breaker",
        "monolith.modules.scheduling.adapters.deadline_transport",
    ],
    "the service's web layer": [
        "scheduling_service.config",
        "scheduling_service.web.app",
        "scheduling_service.web.operation_view",
        "scheduling_service.web.operator_routes",
        "scheduling_service.web.request_classes",
        "scheduling_service.web.responses",
        "scheduling_service.web.tokens",
        "scheduling_service.web.metrics",
        "scheduling_service.web.connection",
    ],
    "the laboratory: open arrivals, raw rows, intervals": [
        "loadtests.generator.arrivals",
        "loadtests.generator.rows",
        "loadtests.generator.estimates",
    ],
}
"""The modules of each part; each is used by the example unchanged, apart from the laboratory's."""

WRITTEN = {
    "`billing_port.py`: operations, requests and replies": ["billing_port.py"],
    "`in_process_billing.py`: the module behind the port": ["in_process_billing.py"],
    "`billing_service.py`: the process": ["billing_service.py"],
    "`billing_lease.sql`, `billing_owner.sql`: lease, fence, the trigger on each table": [
        "billing_lease.sql",
        "billing_owner.sql",
    ],
    "`billing_databases.py`: databases, roles, replication both ways": ["billing_databases.py"],
    "`billing_checks.py`: which rows have to be equal": ["billing_checks.py"],
    "the ledger and the tests": [
        "charged_business.py",
        "billing_process.py",
        "conftest.py",
        "test_billing_extraction.py",
    ],
}

PRODUCT = (
    "deploy",
    "loadtests.bench",
    "loadtests.lab",
    "monolith.modules.auth",
    "monolith.modules.billing",
    "monolith.modules.calendars",
    "monolith.modules.notifications",
    "monolith.web",
    "monolith.wiring",
    "scheduling_service.engine.booking",
    "scheduling_service.engine.engine",
)
"""What a reusable part does not import."""

_PACKAGES = ("contracts", "loadtests", "monolith", "scheduling_service")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.second_extraction.parts", description=__doc__)
    parser.add_argument("--copy", metavar="FOLDER", type=Path, help="copy the reusable parts into this empty folder")
    folder = parser.parse_args(arguments).copy
    if folder is None:
        print(*table("reused unchanged", reused_lines()), "", *table("written for billing", written_lines()), sep="\n")
        return
    if folder.exists() and any(folder.iterdir()):
        parser.error(f"{folder} is not empty")
    print(f"copied {copy_parts(folder)} files to {folder}")


def table(title: str, lines: dict[str, int]) -> list[str]:
    """Return a table of Markdown, with the sum in its last row."""
    rows = {**lines, "**sum**": sum(lines.values())}
    return [
        f"| {title} | lines | hours of reading |",
        "| --- | ---: | ---: |",
        *(f"| {part} | {count} | {count / LINES_PER_HOUR:.1f} |" for part, count in rows.items()),
    ]


def reused_lines() -> dict[str, int]:
    return {part: sum(_lines(_path_of(name)) for name in names) for part, names in PARTS.items()}


def written_lines() -> dict[str, int]:
    folder = Path(__file__).parent
    return {what: sum(_lines(folder / name) for name in names) for what, names in WRITTEN.items()}


def copy_parts(folder: Path) -> int:
    """Copy the modules of every part, with all that they import of this repository; return the number of files."""
    names = imported_by([name for names in PARTS.values() for name in names])
    for name in names:
        source = _path_of(name)
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    return len(names)


def imported_by(names: Iterable[str], folder: Path = ROOT) -> list[str]:
    """Import the modules in a process that finds `folder` first, and return all that it imported of the packages here.

    Raises CalledProcessError if one cannot be imported.
    """
    report = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import {', '.join(names)}\n"
        f"print([name for name in sorted(sys.modules) if name.partition('.')[0] in {(*_PACKAGES, 'deploy')!r}])"
    )
    command = [sys.executable, "-c", report]
    found: list[str] = ast.literal_eval(
        subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    )
    return found


def _path_of(name: str) -> Path:
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


if __name__ == "__main__":
    main(sys.argv[1:])
