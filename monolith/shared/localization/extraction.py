"""Extraction of the texts of the code by Babel, and the update of the catalogues.

    python -m monolith.shared.localization.extraction

adds new texts to each catalogue, removes those that are no longer used, and lists what is not translated.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from monolith.shared.localization.catalogs import catalog_path
from monolith.shared.localization.languages import LANGUAGES, SOURCE, Language

ROOT: Final = Path(__file__).parents[3]
_METHODS: Final = [("**.py", "python"), ("web/templates/**.html", "jinja2")]
_OPTIONS: Final = {"web/templates/**.html": {"newstyle_gettext": "true", "silent": "false"}}


def extracted() -> Catalog:
    """Return the texts of the code, with the files in which they are."""
    catalog = Catalog(project="extraction", charset="utf-8")
    found = extract_from_dir(ROOT / "monolith", _METHODS, _OPTIONS, strip_comment_tags=True)
    for file, _, text, comments, context in found:
        catalog.add(text, locations=[(f"monolith/{file}", 0)], auto_comments=comments, context=context)
    return catalog


def stored(language: Language) -> Catalog:
    with catalog_path(language).open("rb") as file:
        return read_po(file, locale=language)


def untranslated(catalog: Catalog) -> Iterator[Message]:
    """Yield the texts without a complete translation, and those whose translation is only a guess."""
    for message in catalog:
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.id and (message.fuzzy or not all(texts)):
            yield message


def main() -> int:
    found, missing = extracted(), 0
    for language in LANGUAGES:
        if language == SOURCE:
            continue
        catalog = stored(language) if catalog_path(language).exists() else Catalog(language)
        # Without new dates, an update without new texts changes nothing.
        found.creation_date = catalog.creation_date
        catalog.update(found, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog_path(language).parent.mkdir(parents=True, exist_ok=True)
        with catalog_path(language).open("wb") as file:
            write_po(file, catalog, width=120, sort_by_file=True, include_lineno=False, omit_header=False)
        for message in untranslated(catalog):
            missing += 1
            print(f"{language}: not translated: {message.id!r}")  # noqa: T201
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
