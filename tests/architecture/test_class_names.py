"""A public class name means one thing: no two modules of the product define classes of the same name."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.architecture.committed import PRODUCT, ROOT, committed, name_of


def test_a_class_name_has_one_home() -> None:
    homes = homes_of(path for path in committed() if path.suffix == ".py" and name_of(path).startswith(PRODUCT))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_a_second_home_is_found(tmp_path: Path) -> None:
    for folder in ("billing", "auth"):
        (tmp_path / f"{folder}.py").write_text("class Account: ...\nclass _Row: ...\ndef f():\n    class Local: ...\n")
    homes = homes_of(tmp_path.glob("*.py"), root=tmp_path)
    assert homes == {"Account": ["auth.py:1", "billing.py:1"]}


def homes_of(paths: Iterable[Path], root: Path = ROOT) -> dict[str, list[str]]:
    """Map each public top-level class name to the places that define it."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in sorted(paths):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(f"{path.relative_to(root).as_posix()}:{node.lineno}")
    return homes
