"""The catalogues contain a translation of every text of the code."""

import re
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message

from monolith.shared.localization import LANGUAGES, SOURCE, Language, texts
from monolith.shared.localization.extraction import extracted, stored, untranslated

TRANSLATED = [each for each in LANGUAGES if each != SOURCE]
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|<[^>]*>")


@pytest.fixture(scope="module")
def source() -> Catalog:
    return extracted()


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogue_has_the_texts_of_the_code(source: Catalog, language: Language) -> None:
    """After a change of texts: `make texts`."""
    assert identities(stored(language)) == identities(source)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: Language) -> None:
    catalog = stored(language)
    assert [message.id for message in untranslated(catalog)] == []
    assert not catalog.obsolete
    assert [message.id for message in catalog if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_placeholders_and_markup(language: Language) -> None:
    different = [
        (text, translation)
        for message in stored(language)
        for text, translation in pairs(message)
        if sorted(_PLACEHOLDER.findall(text)) != sorted(_PLACEHOLDER.findall(translation))
    ]
    assert different == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_pass_the_checks_of_babel(language: Language) -> None:
    assert [str(error) for message in stored(language) for error in message.check()] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_are_found_when_they_are_shown(language: Language) -> None:
    """The catalogue is compiled when it is loaded."""
    found = texts(language)
    for message in stored(language):
        if message.id and isinstance(message.id, str):
            shown = found.pgettext(message.context, message.id) if message.context else found.gettext(message.id)
            assert shown == message.string


def test_number_selects_the_plural() -> None:
    german = texts("de")
    assert [german.ngettext("%(num)d minute", "%(num)d minutes", number) for number in (0, 1, 2)] == [
        "%(num)d Minuten",
        "%(num)d Minute",
        "%(num)d Minuten",
    ]


def identities(catalog: Catalog) -> set[tuple[str | None, object]]:
    return {(message.context, message.id) for message in catalog if message.id}


def pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Yield each text with its translation; that of the plural, which has the number, for each plural form."""
    if not message.id:
        return
    if isinstance(message.id, str):
        yield message.id, str(message.string)
    else:
        yield from ((message.id[1], translation) for translation in message.string or ())
