"""The languages of the product, and the choice among them."""

from functools import lru_cache
from typing import Final, Literal, get_args

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

Language = Literal["en", "de"]
"""A language in which pages and mails are complete."""

SOURCE: Final[Language] = "en"
"""The language of the texts in the code."""

LANGUAGES: Final[dict[Language, str]] = {"en": "English", "de": "Deutsch"}
"""The name of each language in itself."""

_CODES: Final[tuple[Language, ...]] = get_args(Language)


def as_language(code: str | None) -> Language | None:
    """Return the language with this code; None for any other text."""
    return next((each for each in _CODES if each == code), None)


@lru_cache(maxsize=1024)
def accepted(header: str) -> Language | None:
    """Return the language that an Accept-Language header prefers; None if it accepts none of the product's."""
    best = parse_accept_header(header[:500], LanguageAccept).best_match(_CODES)
    return as_language(best)
