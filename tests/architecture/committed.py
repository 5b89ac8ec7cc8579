"""List the files of the repository that the architecture tests examine."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("contracts", "scheduling_service", "monolith", "deploy", "loadtests")


def committed(root: Path = ROOT) -> list[Path]:
    """Return every file that git tracks or would add, sorted by path."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted({root / name for name in names if (root / name).is_file()})


def name_of(path: Path) -> str:
    """Return the path relative to the repository, as git writes it."""
    return path.relative_to(ROOT).as_posix()
