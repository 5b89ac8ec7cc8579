"""The description of a backup: `backup.json`, written when everything else is complete."""

import os
from pathlib import Path

import msgspec

from contracts.scheduling.values import DatabaseName
from deploy.errors import CommandError

FILE = "backup.json"
_FORMAT = 1


class DatabaseBackup(msgspec.Struct, frozen=True):
    """One database in a backup. `point_lsn` is the WAL position of the consistent point."""

    database: str
    incarnation: str
    server_version: int
    point_lsn: str


class Manifest(msgspec.Struct, frozen=True):
    """A complete backup. `point` names the restore point in every database; `taken_at` is ISO 8601, in UTC.

    `paused_ms` is how long scheduling's writes waited for the point.
    """

    point: str
    taken_at: str
    paused_ms: float
    databases: dict[DatabaseName, DatabaseBackup]
    format: int = _FORMAT


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it under another name first, so that an interrupted backup has none."""
    unfinished = folder / f"{FILE}.unfinished"
    with unfinished.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest)))
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(folder / FILE)


def read_manifest(folder: Path) -> Manifest:
    """Raise CommandError for a folder that is no complete backup, or one of another release."""
    try:
        manifest = msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise CommandError(f"{folder} is no complete backup: it has no {FILE}") from error
    except msgspec.DecodeError as error:
        raise CommandError(f"{folder / FILE} cannot be read ({error}): it is damaged, or of another release") from error
    if manifest.format != _FORMAT:
        raise CommandError(f"{folder} has format {manifest.format}, and this release reads {_FORMAT}")
    return manifest
