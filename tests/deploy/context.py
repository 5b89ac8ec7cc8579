"""The files of the repository that reach the build of an image, as its `.dockerignore` selects them."""

import shutil
from pathlib import Path

from tests.deploy.dockerfile import dockerfile
from tests.servers import ROOT


def patterns(image: str) -> tuple[list[str], list[str]]:
    """Return the paths that are let through, and those that are excluded again."""
    lines = dockerfile(image).with_name(f"{image}.Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "everything is excluded first"
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    return allowed, [rule for rule in rules[1:] if not rule.startswith(("!", "**"))]


def copy_context(image: str, folder: Path) -> None:
    """Copy the selected files into the folder."""
    allowed, excluded = patterns(image)
    for name in allowed:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    for name in excluded:
        (folder / name).unlink()
