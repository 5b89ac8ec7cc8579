"""The boundaries of the running monolith: imports between its modules, and the schemas that each role may use."""

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from monolith.cutover.databases import Connection

MODULES_PACKAGE = "monolith.modules"


class ModuleImport(NamedTuple):
    """An import of one module by another. `is_by_api`: of its public interface, and nothing else."""

    file: str
    imported: str
    is_by_api: bool


def read_imports(folders: Sequence[Path] | None = None) -> list[ModuleImport]:
    """Return the imports between the modules below these folders; by default, those of the installed monolith."""
    return [
        each
        for folder in (_installed() if folders is None else folders)
        for path in sorted(folder.rglob("*.py"))
        for each in _crossing(path.relative_to(folder), _imports(path, path.stat().st_mtime))
    ]


def modules() -> list[str]:
    """Return the names of the modules, sorted."""
    return sorted(each.parent.name for folder in _installed() for each in folder.glob("*/__init__.py"))


def foreign_schemas(db: Connection) -> list[str]:
    """Return each role that may use another module's schema, as `billing_app may use auth`. Raises psycopg.Error."""
    rows = db.execute(
        """
        SELECT r.rolname, n.nspname
          FROM pg_roles r CROSS JOIN pg_namespace n
         WHERE r.rolname = ANY (%s) AND n.nspname = ANY (%s)
           AND r.rolname <> n.nspname || '_app' AND has_schema_privilege(r.oid, n.oid, 'USAGE')
         ORDER BY 1, 2
        """,
        ([f"{each}_app" for each in modules()], modules()),
    ).fetchall()
    return [f"{role} may use {schema}" for role, schema in rows]


def _installed() -> list[Path]:
    found = importlib.util.find_spec(MODULES_PACKAGE)
    return [] if found is None else [Path(each) for each in found.submodule_search_locations or ()]


def _crossing(path: Path, imported: tuple[str, ...]) -> Iterator[ModuleImport]:
    own = path.parts[0]
    for name in imported:
        parts = name.split(".")
        if len(parts) > 2 and parts[2] != own:
            yield ModuleImport(f"monolith/modules/{path.as_posix()}", name, len(parts) > 3 and parts[3] == "api")


@lru_cache(maxsize=1_000)
def _imports(path: Path, changed_at: float) -> tuple[str, ...]:
    """Return the imported names below the modules' package; read again when the file changes."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{each.name}" for each in node.names]
        elif isinstance(node, ast.Import):
            names += [each.name for each in node.names]
    return tuple(name for name in names if name.startswith(f"{MODULES_PACKAGE}."))
