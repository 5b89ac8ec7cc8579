"""The gettext catalogues: English texts are the keys, and a file per further language has the translations."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from monolith.shared.localization.languages import SOURCE, Language

FOLDER: Final = Path(__file__).with_name("translations")


def N_(text: str) -> str:
    """Mark a text for extraction, and return it: it is translated where it is shown."""
    return text


def catalog_path(language: Language) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


@cache
def texts(language: Language) -> NullTranslations:
    """Return the texts of a language, which are read once per process.

    The catalogue is compiled in memory, so no compiled file can be missing or out of date.
    """
    if language == SOURCE:
        return NullTranslations()
    with catalog_path(language).open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
