"""Remedies of the reader's own, from files: what to try in the monolith before anything is taken out of it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from deploy.devstack.environment import PRODUCT_SETTINGS
from deploy.errors import CommandError
from loadtests.lab.planning.arms import CUSTOM_REMEDY_PREFIX
from loadtests.lab.results.model import Remedy

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,15}")
_SETTING = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
_THE_LABORATORY_S: Final = PRODUCT_SETTINGS | {"WEB_THREADS", "WEB_WORKERS"}
"""Set by the laboratory, for every arm alike."""


def read_remedies(given: Sequence[str]) -> dict[str, Remedy]:
    """Of `NAME=FILE`, by the names of their arms: FILE.sql is run in the monolith's database, FILE.env holds settings
    of its processes. Raises CommandError."""
    found: dict[str, Remedy] = {}
    for each in given:
        name, _, file = each.partition("=")
        if not _NAME.fullmatch(name) or not file:
            raise CommandError(
                f"--remedy {each} is not NAME=FILE: the name has small letters, digits and hyphens (16 at the most), "
                "the file ends in .sql or .env"
            )
        if CUSTOM_REMEDY_PREFIX + name in found:
            raise CommandError(f"--remedy {name} is given twice")
        found[CUSTOM_REMEDY_PREFIX + name] = _read(name, Path(file))
    return found


def _read(name: str, path: Path) -> Remedy:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--remedy {name}: {path} cannot be read: {error}") from error
    if path.suffix == ".sql":
        if not text.strip():
            raise CommandError(f"--remedy {name}: {path} is empty")
        return Remedy(sql=text)
    if path.suffix == ".env":
        settings = dict(_settings(name, path, text))
        if not settings:
            raise CommandError(f"--remedy {name}: {path} sets nothing")
        return Remedy(settings=settings)
    raise CommandError(f"--remedy {name}: {path} must end in .sql (statements) or .env (NAME=VALUE lines)")


def _settings(name: str, path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _SETTING.fullmatch(line.strip())
        if found is None:
            raise CommandError(f"--remedy {name}: line {number} of {path} is not NAME=VALUE")
        if found[1] in _THE_LABORATORY_S:
            raise CommandError(
                f"--remedy {name}: {found[1]} is the laboratory's to set, for every arm alike: take line {number} out "
                f"of {path}"
            )
        yield found[1], found[2]
