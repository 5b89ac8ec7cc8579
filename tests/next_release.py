"""A work tree of a release to come: this one with further migrations."""

import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path

from tests.architecture.committed import PRODUCT, ROOT, committed, name_of

VERSION = "9000"


def add_migration(migrations: Path, statements: str, *, oldest_code: str | None = None) -> None:
    """Add a migration to a history; by default it declares that it serves the code of the version before."""
    before = newest(migrations)
    (migrations / "versions" / f"{VERSION}_next.py").write_text(
        textwrap.dedent(
            f"""
            from alembic import op

            revision = {VERSION!r}
            down_revision = {before!r}
            oldest_code = {oldest_code or before!r}


            def upgrade() -> None:
                op.execute({statements!r})
            """
        )
    )


def newest(migrations: Path) -> str:
    """Return the newest version of a history."""
    return max(path.name[:4] for path in (migrations / "versions").glob("[0-9]*.py"))


def next_release(folder: Path, migrations: Mapping[str, str]) -> Path:
    """Write the work tree into a new folder; `migrations` are statements by the path of the history."""
    for path in committed():
        if name_of(path).startswith(tuple(f"{package}/" for package in PRODUCT)):
            target = folder / name_of(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    for history, statements in migrations.items():
        assert (ROOT / history).is_dir(), history
        add_migration(folder / history, statements)
    return folder
