"""Collect the documents of the repository as one site: `python -m deploy.docs.site FOLDER`, as `make docs` does.

Pages keep their paths, so that links between them stay valid. A link to source code becomes a link to a page with that
code, so that the site is complete without the repository.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy.docs import api_pages

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("contracts", "scheduling_service", "monolith", "loadtests", "deploy", "tests")
CONFIGURATION = Path(__file__).with_name("mkdocs.yml")
SEARCH_WORKER = Path(__file__).with_name("vendored") / "iframe-worker.js"
"""`shim/index.js` of the npm package iframe-worker 1.0.4, unchanged; its license is beside it."""
API = {
    "api/public.md": api_pages.public_document,
    "api/service.md": api_pages.service_document,
}

_CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(\]\()([^)#\s]+)(#[^)]*)?\)")
_LANGUAGES = {".py": "python", ".patch": "diff", ".sql": "sql", ".toml": "toml", ".yml": "yaml", ".yaml": "yaml"}
_PICTURES = {".svg", ".png"}


def collect(folder: Path) -> None:
    """Write the pages into `folder`/pages and the configuration of the site into `folder`/mkdocs.yml."""
    pages = folder / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    linked: set[Path] = set()
    for page in documents():
        _write(pages / page.relative_to(ROOT), rewritten(page, linked))
    for path in sorted(linked):
        target = pages / path.relative_to(ROOT)
        if path.suffix in _PICTURES:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        else:
            _write(target.with_name(f"{target.name}.md"), source_page(path))
    _write(pages / "assets/iframe-worker.js", SEARCH_WORKER.read_text())
    for name, document in API.items():
        _write(pages / name, api_pages.page(document()))
    inherited = os.path.relpath(CONFIGURATION, folder)
    (folder / "mkdocs.yml").write_text(f"INHERIT: {inherited}\ndocs_dir: pages\nsite_dir: site\n")


def documents() -> Iterator[Path]:
    """Yield every Markdown file of the repository, except in folders that are hidden."""
    yield from sorted(ROOT.glob("*.md"))
    for name in FOLDERS:
        for page in sorted((ROOT / name).rglob("*.md")):
            if not any(part.startswith(".") for part in page.relative_to(ROOT).parts):
                yield page


def rewritten(page: Path, linked: set[Path]) -> str:
    """Return the text of a page with its links to folders and source files changed; add what they need to `linked`."""

    def replace(match: re.Match[str]) -> str:
        start, target, section = match[1], match[2], match[3] or ""
        path = (page.parent / target).resolve()
        if "://" in target or path.suffix == ".md" or not path.is_relative_to(ROOT):
            return match[0]
        if path.is_dir():
            return f"{start}{target.rstrip('/')}/README.md{section})"
        linked.add(path)
        return match[0] if path.suffix in _PICTURES else f"{start}{target}.md)"

    return _outside_code(page.read_text(), lambda text: _LINK.sub(replace, text))


def source_page(path: Path) -> str:
    """Return a page with the content of a source file."""
    language = _LANGUAGES.get(path.suffix, "text")
    return f"# `{path.relative_to(ROOT)}`\n\n`````{language}\n{path.read_text().rstrip()}\n`````\n"


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """Apply `change` to everything but code, which placeholders replace, since the text of a link may be code."""
    code: list[str] = []

    def hide(match: re.Match[str]) -> str:
        code.append(match[0])
        return f"\0{len(code) - 1}\0"

    changed = change(_CODE.sub(hide, text))
    return re.sub("\0(\\d+)\0", lambda match: code[int(match[1])], changed)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    collect(Path(sys.argv[1]))
