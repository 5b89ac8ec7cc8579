"""Documents agree with the repository: links resolve, indexes are complete, quoted commands exist."""

import re
from pathlib import Path

import pytest

from tests.architecture.committed import ROOT, committed, name_of

PAGES = [path for path in committed() if path.suffix == ".md"]
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_has_a_target(page: Path) -> None:
    targets = [target for target in _LINK.findall(_CODE.sub("", page.read_text())) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


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
