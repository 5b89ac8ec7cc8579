"""No text of a template is left out of the catalogues."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes
from jinja2.lexer import Lexer

import monolith.web

TEMPLATES = Path(monolith.web.__file__).with_name("templates")
_ATTRIBUTES = re.compile(r"""\b(?:aria-label|alt|title|placeholder)="([^"{]*[A-Za-z]{2}[^"{]*)""")
_LABELLED = re.compile(r"""<(?:input|button)[^>]*\bvalue="([A-Z][^"{]*)"[^>]*>""")
_TAG = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"[A-Za-z]{2}")
_TRANSLATING = frozenset({"_", "gettext", "ngettext", "pgettext", "npgettext"})
# Placeholders of inputs, codes and examples that are the same in every language.
_SAME = frozenset({"10:00-14:00", "UTC", "Europe/Paris", "EUR", "7K2M-9QXA", "GET"})
# An example of HTML for the owner's own site; the class of a page; the end of an address.
_CODE = re.compile(r"<code>.*?</code>|#times", re.DOTALL)
_CLASS = re.compile(r"{% block body_class %}\w+{% endblock %}")
_ENVIRONMENT = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)


def templates() -> list[str]:
    return sorted(str(each.relative_to(TEMPLATES)) for each in TEMPLATES.rglob("*.html"))


@pytest.mark.parametrize("name", templates())
def test_texts_of_the_template_are_translated(name: str) -> None:
    source = (TEMPLATES / name).read_text()
    assert [*literal_texts(source), *literal_constants(source)] == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        "<p>{{ name }} with</p>",
        '<a aria-label="Go on">{{ _("x") }}</a>',
        "{{ 'Try again' if retry else _('Go back') }}",
        "{% set titles = {'a': 'Some words'} %}",
    ],
)
def test_a_literal_is_found(source: str) -> None:
    assert [*literal_texts(source), *literal_constants(source)]


def literal_texts(source: str) -> Iterator[str]:
    """Yield the texts outside of expressions and of `trans` blocks."""
    html = _CODE.sub("", _without_expressions(_CLASS.sub("", source)))
    yield from _ATTRIBUTES.findall(html)
    yield from _LABELLED.findall(html)
    for text in _TAG.split(html):
        if _WORD.search(text.replace("doctype", "")):
            yield text.strip()


def literal_constants(source: str) -> Iterator[str]:
    """Yield the constants in expressions that read like a text and are no argument of a translating function."""
    yield from _constants(_ENVIRONMENT.parse(source))


def _constants(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in _TRANSLATING:
        for each in node.kwargs:
            yield from _constants(each)
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str) and _reads_like_text(node.value):
        yield node.value
    for child in node.iter_child_nodes():
        yield from _constants(child)


def _reads_like_text(value: str) -> bool:
    """Return whether a constant has words: a capital or a space, and no sign of markup or of an address."""
    if value in _SAME or re.search(r"[=<>/#{]", value) or not _WORD.search(value):
        return False
    return value[0].isupper() or " " in value.strip()


def _without_expressions(source: str) -> str:
    """Return the HTML of a template, with its expressions and statements removed."""
    parts, translated = [], False
    lexer = Lexer(_ENVIRONMENT)
    statement: list[str] = []
    for _, kind, value in lexer.tokeniter(source, None):
        if kind == "block_begin":
            statement = []
        elif kind == "name" and len(statement) == 0:
            statement.append(value)
            translated = value == "trans" or (translated and value != "endtrans")
        elif kind == "variable_begin":
            statement = [""]
        elif kind == "data" and not translated:
            parts.append(value)
        if kind in ("variable_end", "block_end"):
            parts.append("")
    return "".join(parts)
