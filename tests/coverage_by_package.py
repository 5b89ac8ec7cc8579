"""Combine what `make coverage` measured and print line and branch coverage of each package as a Markdown table."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPORT = Path(".artifacts/coverage/coverage.json")


@dataclass
class Counts:
    """Executed and existing lines and branches."""

    lines: int = 0
    all_lines: int = 0
    branches: int = 0
    all_branches: int = 0

    def add(self, summary: dict[str, Any]) -> None:
        self.lines += summary["covered_lines"]
        self.all_lines += summary["num_statements"]
        self.branches += summary["covered_branches"]
        self.all_branches += summary["num_branches"]


def by_package(files: dict[str, Any]) -> dict[str, Counts]:
    """Sum the files of each package: the top folder and the one below it. Skips copies outside the repository."""
    packages: dict[str, Counts] = defaultdict(Counts)
    for name, file in files.items():
        if Path(name).is_absolute():
            continue
        package = "/".join(Path(name).parts[:-1][:2])
        for key in (package, "all"):
            packages[key].add(file["summary"])
    return {name: packages[name] for name in sorted(packages, key=lambda each: (each == "all", each))}


def table(packages: dict[str, Counts]) -> Iterator[str]:
    yield "| package | lines | branches |"
    yield "| --- | ---: | ---: |"
    for name, counts in packages.items():
        lines, branches = percent(counts.lines, counts.all_lines), percent(counts.branches, counts.all_branches)
        yield f"| `{name}` | {lines} | {branches} |"


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none"


def main() -> None:
    for command in (["combine", "--quiet"], ["json", "--quiet", "-o", str(REPORT)]):
        subprocess.run([sys.executable, "-m", "coverage", *command], check=True)
    files = json.loads(REPORT.read_text())["files"]
    sys.stdout.writelines(f"{line}\n" for line in table(by_package(files)))


if __name__ == "__main__":
    main()
