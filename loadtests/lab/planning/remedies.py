"""Custom remedies from files: changes to try in the monolith before extracting anything."""

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
_SET_BY_THE_LABORATORY: Final = PRODUCT_SETTINGS | {"WEB_THREADS", "WEB_WORKERS"}
"""Settings that every arm gets from the laboratory."""


def read_remedies(given: Sequence[str]) -> dict[str, Remedy]:
    """Read remedies given as `NAME=FILE`, by the name of their arm.

    An .sql file is run in the monolith's database; an .env file has settings of its processes. Raises CommandError.
    """
    found: dict[str, Remedy] = {}
    for each in given:
        name, _, file = each.partition("=")
        if not _NAME.fullmatch(name) or not file:
            raise CommandError(
                f"--remedy {each} is not NAME=FILE: NAME has up to 16 lowercase letters, digits and hyphens, "
                "and FILE ends in .sql or .env"
            )
        if CUSTOM_REMEDY_PREFIX + name in found:
            raise CommandError(f"--remedy {name} was given twice")
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
            raise CommandError(f"--remedy {name}: {path} has no settings")
        return Remedy(settings=settings)
    raise CommandError(f"--remedy {name}: {path} must end in .sql (statements) or .env (NAME=VALUE lines)")


def _settings(name: str, path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _SETTING.fullmatch(line.strip())
        if found is None:
            raise CommandError(f"--remedy {name}: line {number} of {path} is not NAME=VALUE")
        if found[1] in _SET_BY_THE_LABORATORY:
            raise CommandError(
                f"--remedy {name}: the laboratory sets {found[1]} for every arm: remove line {number} of {path}"
            )
        yield found[1], found[2]
