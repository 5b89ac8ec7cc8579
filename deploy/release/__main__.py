"""Build a release: `python -m deploy.release TAG FOLDER`, with the tag `v` and the version of pyproject.toml.

Writes the wheels and the release's notes to the folder. Exits with code 2 and one line if tag, version and changelog
disagree. CI runs it for each tag; publish what it wrote.
"""

import sys
from pathlib import Path

from deploy.release.changelog import notes_of
from deploy.release.wheels import ROOT, build_wheels, version

NOTES = "NOTES.md"


def main(tag: str, folder: Path) -> None:
    """Raises ValueError if tag, version and changelog disagree."""
    if tag != f"v{version()}":
        raise ValueError(f"the tag {tag} does not name version {version()} of pyproject.toml")
    notes = notes_of(version(), (ROOT / "CHANGELOG.md").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NOTES).write_text(f"{notes}\n")
    for wheel in build_wheels(folder):
        print(wheel.name)  # noqa: T201


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m deploy.release TAG FOLDER")
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except ValueError as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        sys.exit(2)
