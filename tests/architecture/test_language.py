"""The repository's prose is plain technical English: markers of the former private dialect stay rare."""

from pathlib import Path

import pytest

from tests.architecture.dialect import Hit, group_of, hits, measure
from tests.architecture.prose import Passage, passages

PER_THOUSAND_WORDS = 2.0
MEASURED = measure()

DIALECT = [
    "What it means that one try brought no reply",
    "Connects when somebody looks: whoever looks must not wait for the pool that is short",
    "Of one thread.",
    "By start.",
    "Pin the dependencies anew",
    "So short before, the price stays due",
    "nineteen calls in twenty may take so long",
    "A time that you wait for has come free.",
    "Let it give back what it took, lest the lease stand in the way.",
    "The database is away, and nobody is told.",
]

PLAIN = [
    "Exponential backoff with rate-limited log messages.",
    "Return the free starts of a day, sorted by start time. Not thread-safe.",
    "Stop the server when the test ends, and remove its folder.",
    "A stub stands in for the mail server; C4 stands for context, container, component and code.",
    "Customers who booked this slot are notified. The invoice is due within 14 days.",
    "Measures what the extraction buys and what it costs.",
    "One or more providers; two appointments more than allowed is an error.",
    "Whether the lease is active. None when there is none.",
]


@pytest.mark.parametrize("group", MEASURED)
def test_prose_of_a_package_has_few_dialect_markers(group: str) -> None:
    density = MEASURED[group]
    assert density.per_thousand <= PER_THOUSAND_WORDS, "\n".join(["rewrite:", *map(str, density.hits)])


@pytest.mark.parametrize("text", DIALECT)
def test_dialect_is_found(text: str) -> None:
    assert list(hits("x.py", Passage(1, text, is_docstring=True)))


@pytest.mark.parametrize("text", PLAIN)
def test_plain_english_passes(text: str) -> None:
    assert list(hits("x.py", Passage(1, text, is_docstring=True))) == []


def test_only_docstrings_and_comments_of_a_module_are_prose(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""First `code` line.\n\nThird line."""\n\nnobody = "a literal"  # A comment\n# goes on.\n')
    assert list(passages(module)) == [
        Passage(1, "First  _  line.\n\nThird line.", is_docstring=True),
        Passage(5, " A comment\n goes on."),
    ]


def test_code_and_links_of_a_page_are_not_prose(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```sh\nnobody\n```\nSee [this](nobody.md) and `whoever`.\n")
    (passage,) = passages(page)
    assert passage.text.split() == ["#", "Title", "_", "See", "[this", "_", "and", "_", "."]
    assert list(hits("page.md", passage)) == []


def test_tags_and_expressions_of_a_template_are_not_prose(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<p title="x">\n{{ nobody }}\n<b>Choose</b> a {% if anew %}day{% endif %}</p>\n')
    (passage,) = passages(page)
    assert passage.text.split() == ["_", "_", "_", "Choose", "_", "a", "_", "day", "_", "_"]


def test_a_hit_across_lines_names_the_line_where_it_begins() -> None:
    (hit,) = hits("a/b/c.py", Passage(10, "Good.\nThe adapter is\naway now."))
    assert hit == Hit("a/b/c.py", 11, "is away", "is unreachable")
    assert group_of(hit.file) == "a/b"
