"""The documentation site is complete: each link of a collected page has a target inside the site."""

import hashlib
import re
from pathlib import Path

import pytest

from contracts.scheduling.port import OPERATIONS
from deploy.docs import api_pages, site
from tests.architecture.committed import ROOT


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    site.collect(folder)
    return folder / "pages"


def test_every_relative_link_stays_inside_the_site(pages: Path) -> None:
    code = re.compile(r"^ *`{3,}.*?^ *`{3,}|`[^`\n]*`", re.DOTALL | re.MULTILINE)
    missing = [
        f"{page.relative_to(pages)}: {target}"
        for page in pages.rglob("*.md")
        for target in re.findall(r"\]\(([^)#\s]+)", code.sub("", page.read_text()))
        if "://" not in target and not (page.parent / target).is_file()
    ]
    assert missing == []


def test_a_linked_source_file_is_shown_whole(pages: Path) -> None:
    shown = (pages / "monolith/wiring.py.md").read_text()
    assert (ROOT / "monolith/wiring.py").read_text().rstrip() in shown


def test_navigation_names_existing_pages(pages: Path) -> None:
    named = re.findall(r"[\w/-]+\.md$", site.CONFIGURATION.read_text(), re.MULTILINE)
    assert len(named) > 20
    assert [name for name in named if not (pages / name).is_file()] == []


def test_the_search_needs_no_other_host(pages: Path) -> None:
    (script,) = re.findall(r"polyfills: \[(.+)\]", site.CONFIGURATION.read_text())
    digest = hashlib.sha256((pages / script).read_bytes()).hexdigest()
    assert digest == "e8e412dbcfea9b7e31b5ffa288d7b6035915e714c542f4176a0cdbe262fc9609", (
        "the file of the package, unchanged"
    )


def test_the_reference_of_the_service_describes_every_operation(pages: Path) -> None:
    shown = (pages / "api/service.md").read_text()
    assert [each.path for each in OPERATIONS if f"`{each.method} {each.path}`" not in shown] == []


def test_every_schema_that_a_reference_links_is_described(pages: Path) -> None:
    for name in site.API:
        shown = (pages / name).read_text()
        linked = set(re.findall(r"\]\(#(\w+)\)", shown))
        described = {heading.lower() for heading in re.findall(r"^### (\w+)$", shown, re.MULTILINE)}
        assert linked - described == set()
        assert linked


def test_a_type_is_described_in_words() -> None:
    document = api_pages.page(
        {
            "info": {"title": "Example", "version": "1"},
            "paths": {},
            "components": {"schemas": {"A": {"properties": {"b": {"type": "array", "items": {"$ref": "#/x/B"}}}}}},
        }
    )
    assert "| `b` | list of [B](#b) |  |  |" in document
