"""Compatibility of a database schema with older code, stored as the comment of its version table.

A migration may declare `oldest_code`, the oldest version of the code that still works after it. Set-up stores it, since
old code cannot read new migrations: during a rolling upgrade, processes of the previous release stay ready.
"""

from collections.abc import Iterable

_PREFIX = "serves code from version "


def compatibility_comment(oldest_code: str) -> str:
    """Return the comment of a version table whose schema serves code from this version on."""
    return f"{_PREFIX}{oldest_code}"


def serves(comment: str | None, reached: Iterable[str], required: Iterable[str]) -> bool:
    """Return whether a schema at the versions `reached` serves code that requires the versions `required`.

    It does at exactly these versions, and at newer ones if the comment includes those of the code. Versions are
    numbers with leading zeros, so that their alphabetical order is their order in time.
    """
    reached, required = set(reached), set(required)
    if required <= reached:
        return True
    if comment is None or not comment.startswith(_PREFIX) or not reached:
        return False
    oldest_code = comment.removeprefix(_PREFIX)
    return all(oldest_code <= version < min(reached) for version in required - reached)
