"""The choice of a language by the header of a browser."""

import pytest

from monolith.shared.localization import LANGUAGES, as_language
from monolith.shared.localization.languages import accepted


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr-FR,fr;q=0.9,de;q=0.5,en;q=0.3", "de"),
        ("fr", None),
        ("", None),
        ("de;q=0,en", "en"),
        ("x" * 5000, None),
        ("de;q=nonsense", None),
    ],
)
def test_browser_prefers_one_of_the_languages(header: str, language: str | None) -> None:
    assert accepted(header) == language


def test_codes_of_other_languages_are_unknown() -> None:
    assert [as_language(each) for each in (*LANGUAGES, "fr", "DE", "", None)] == [*LANGUAGES, None, None, None, None]
