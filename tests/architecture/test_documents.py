"""Documents agree with the repository: links resolve, indexes are complete, quoted commands exist."""

import importlib
import re
from pathlib import Path

import pytest

from deploy.docs import diagrams
from deploy.docs.sequence import FENCED_WRITE
from loadtests.learning.costs import count_lines
from monolith.cutover.store.tables import cutover as cutover_table
from monolith.modules.auth.tables import metadata as auth_tables
from monolith.modules.billing.tables import metadata as billing_tables
from monolith.modules.calendars.tables import metadata as calendars_tables
from monolith.modules.notifications.tables import metadata as notifications_tables
from monolith.shared.flags.tables import metadata as platform_tables
from scheduling_service.engine.tables import metadata as scheduling_tables
from tests.architecture.committed import PRODUCT, ROOT, committed, name_of

PAGES = [path for path in committed() if path.suffix == ".md"]
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)")
_PATH = re.compile(rf"`((?:{'|'.join(PRODUCT)}|tests)/[\w./-]+)`")
_ROW = re.compile(r"^\| (.+?) \|", re.MULTILINE)
_FILE = re.compile(r"`([\w.-]+\.(?:py|sql|md|html|json|toml)|[\w-]+(?:/[\w.-]+)*/)`")
"""A file, or a folder with its slash, without the repository's path to it."""
_TABLES = (
    *(auth_tables, billing_tables, calendars_tables, notifications_tables),
    *(platform_tables, cutover_table.metadata, scheduling_tables),
)
_CONTROL_PLANE = re.compile(r"some ([\d,]+) lines of control plane and console")
_CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_has_a_target(page: Path) -> None:
    for target, section in _LINK.findall(_CODE.sub("", page.read_text())):
        if "://" not in target:
            path = page.parent / target if target else page
            assert path.exists(), target
            assert not section or section in sections(path), f"{target}#{section}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_quoted_path_exists(page: Path) -> None:
    assert [path for path in _PATH.findall(page.read_text()) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name == "README.md"], ids=name_of)
def test_file_names_in_the_tables_of_a_readme_exist_in_its_folder(page: Path) -> None:
    assert missing_names(page.read_text(), page.parent) == []


def test_the_stated_size_of_the_control_plane_is_true() -> None:
    """Two pages quote what the learning path counts: the code that is deleted when an extraction is final."""
    actual = count_lines()["the move, deleted at the end"]
    for page in ("learning-path.md", "alternatives.md"):
        stated = _CONTROL_PLANE.findall((ROOT / "deploy/docs" / page).read_text())
        assert [int(each.replace(",", "")) for each in stated] == [pytest.approx(actual, rel=0.1)], actual


def test_a_stale_file_name_in_a_table_is_found() -> None:
    row = "| `apply_event.py`, `batch.py` | decoding |"
    assert missing_names(row, ROOT / "monolith/shared/events") == ["apply_event.py"]


def missing_names(text: str, folder: Path) -> list[str]:
    """Return the names in the first column of a page's tables that exist neither in the folder nor in the root."""
    names = [name for row in _ROW.findall(text) for name in _FILE.findall(row)]
    return [name for name in names if not (folder / name).exists() and not (ROOT / name).exists()]


def sections(page: Path) -> set[str]:
    """Return the anchors that a forge gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_decision_is_listed_under_its_title() -> None:
    folder = ROOT / "deploy/decisions"
    index = (folder / "README.md").read_text()
    for page in folder.glob("[0-9]*.md"):
        number, title = page.read_text().splitlines()[0].removeprefix("# ").split(" ", 1)
        assert page.name.startswith(number)
        assert f"| [{number}]({page.name}) | {title} |" in index


def test_pre_commit_runs_the_checks_of_make_check() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (recipe,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    tools = re.findall(r"\$\(VENV\)/bin/([\w-]+(?: (?:check|format))?)", recipe)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert len(tools) == 4
    assert [tool for tool in tools if f"entry: .venv/bin/{tool}" not in hooks] == []
    assert ".ci/run" in (ROOT / ".github/workflows/ci.yml").read_text()


def test_the_changelog_has_the_version_of_the_package() -> None:
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.M)


def glossary() -> list[tuple[str, str, str, str]]:
    """Return the rows of the glossary: term, definition, qualified name, table."""
    lines = (ROOT / "deploy/docs/glossary.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [(term, definition, code.strip("`"), table.strip("`")) for term, definition, code, table in rows[2:]]


def test_the_glossary_is_sorted_and_defines_each_term_in_one_sentence() -> None:
    terms = [row[0] for row in glossary()]
    assert terms == sorted(set(terms), key=str.casefold)
    assert len(terms) >= 60
    assert [row[0] for row in glossary() if not row[1].endswith(".") or ". " in row[1]] == []


@pytest.mark.parametrize("term, code", [(row[0], row[2]) for row in glossary()])
def test_the_glossary_names_existing_code(term: str, code: str) -> None:
    module, _, name = code.rpartition(".")
    found = importlib.import_module(module)
    assert hasattr(found, name) or importlib.import_module(code), term


def test_the_glossary_names_existing_tables() -> None:
    existing = {name for metadata in _TABLES for name in metadata.tables}
    assert [row[3] for row in glossary() if row[3] and row[3] not in existing] == []


def test_the_reading_path_has_ten_files() -> None:
    page = (ROOT / "deploy/docs/architecture.md").read_text()
    steps = re.findall(r"^\d+\. \[`(.+?)`\]\((.+?)\): .+\.$", page.partition("## Reading path")[2], re.MULTILINE)
    assert len(steps) == 10
    for name, target in steps:
        assert (ROOT / name).is_file()
        assert (ROOT / "deploy/docs" / target).resolve() == ROOT / name


def test_the_directory_map_names_existing_folders() -> None:
    page = (ROOT / "deploy/docs/architecture.md").read_text()
    (block,) = re.findall(r"## Directory map\n\n```\n(.*?)```", page, re.DOTALL)
    parents: dict[int, str] = {}
    for line in block.splitlines():
        indent = len(line) - len(line.lstrip())
        for name in re.findall(r"(?:^|  )([\w/]+/|\w+\.py)(?=  |\s|$)", line.strip()):
            path = parents.get(indent - 4, "") + name
            assert (ROOT / path).exists(), path
            parents[indent] = path


@pytest.mark.parametrize("diagram", [diagrams.CONTEXT, diagrams.CONTAINERS], ids=lambda each: each.name)
def test_diagrams_are_drawn_and_agree_with_the_mermaid_text(diagram: diagrams.Diagram) -> None:
    folder = ROOT / "deploy/docs"
    assert (folder / f"{diagram.name}.svg").read_text() == diagram.svg(), "run python -m deploy.docs.diagrams"
    page = (folder / "architecture.md").read_text()
    assert [box.title for box in diagram.boxes if f"<b>{box.title}</b>" not in page] == []


def test_the_sequence_diagram_is_drawn_and_its_page_mentions_what_it_shows() -> None:
    folder, diagram = ROOT / "deploy/docs", FENCED_WRITE
    assert (folder / f"{diagram.name}.svg").read_text() == diagram.svg(), "run python -m deploy.docs.diagrams"
    page = (folder / f"{diagram.name}.md").read_text()
    shown = " ".join(message.text for message in diagram.messages)
    for term in ("NotOwner", "watermark", "change notice", "key"):
        assert term in page
        assert term in shown
