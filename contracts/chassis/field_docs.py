"""Descriptions of the fields of msgspec models, read from the source: the text below a field, as editors show it.

Python discards these texts, so this reads the files of the models. It takes about 50 ms; call it when a document is
requested, not when a process starts.
"""

import ast
import sys
from functools import cache
from pathlib import Path

import msgspec

DESCRIBED_BY = "__described_by__"
"""An attribute of a generated model: the model that its fields were taken from."""


def field_descriptions(model: type[msgspec.Struct]) -> dict[str, str]:
    """Return the descriptions of a model's fields and of inherited ones. Fields without a text are left out."""
    source = model.__dict__.get(DESCRIBED_BY, model)
    found: dict[str, str] = {}
    for base in reversed(source.__mro__):
        if base.__module__ in sys.modules and base.__module__ != "builtins":
            found |= _of_module(base.__module__).get(base.__qualname__, {})
    return {name: text for name, text in found.items() if name in model.__struct_fields__}


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    path = getattr(sys.modules[name], "__file__", None)
    if path is None or not path.endswith(".py"):
        return {}
    tree = ast.parse(Path(path).read_text())
    return {each.name: _of_class(each) for each in tree.body if isinstance(each, ast.ClassDef)}


def _of_class(tree: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = " ".join(words.split())
    return found
