"""The changelog's part of a release."""

import re
from typing import Final

UNRELEASED: Final = "Unreleased"
_HEADING: Final = re.compile(r"^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)


def notes_of(version: str, changelog: str) -> str:
    """Return the text under the version's heading, which has a date. Raises ValueError if it is missing or empty."""
    parts = _HEADING.split(changelog)
    for name, date, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if name == version:
            if not date:
                heading = f"## [{version}] - YYYY-MM-DD"
                raise ValueError(f"CHANGELOG.md: the heading of {version} has no date: write `{heading}`")
            if not text.strip():
                raise ValueError(f"CHANGELOG.md: nothing is written under {version}")
            return text.strip()
    raise ValueError(f"CHANGELOG.md has no heading for {version}: rename `## [{UNRELEASED}]`")
