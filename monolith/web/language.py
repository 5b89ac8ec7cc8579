"""The language of a page, and its texts.

It is the first of these: the one chosen on a page, which a cookie keeps; that of the account; the one that the browser
prefers; that of the business; English.
"""

import re
from functools import lru_cache
from typing import Final

from flask import Blueprint, Response, request
from jinja2 import Environment
from markupsafe import Markup

from monolith.shared.localization import LANGUAGES, SOURCE, Language, as_language, texts
from monolith.shared.localization.languages import accepted
from monolith.shared.middleware import current_request_context

_NUMBER: Final = re.compile(r"\d+")
_in_cookie: Final = re.compile(r"(?:^|;)\s*(?:__Host-)?language=([a-z]{2})(?:;|$)")


def language() -> Language:
    """Return the language of the current page."""
    context = current_request_context()
    if context.language is None:
        context.language = (
            _chosen()
            or as_language(context.account_language)
            or accepted(request.environ.get("HTTP_ACCEPT_LANGUAGE", ""))
            or as_language(context.business_language)
            or SOURCE
        )
    return context.language


def learn_languages(*, account: str | None = None, business: str | None = None) -> None:
    """Note the languages of the caller and of the business, as soon as they are known."""
    context = current_request_context()
    if account is not None:
        context.account_language = account
    if business is not None:
        context.business_language = business
    context.language = None


def gettext(text: str, /, **values: object) -> str:
    """Return a text in the language of the page, with its placeholders `%(name)s` filled in."""
    translated = texts(language()).gettext(text)
    return translated % values if values else translated


def translated(text: str) -> str:
    """Return the translation of a stored text, in which a number may be filled in; else the text itself."""
    if not text or is_translated(text):
        return texts(language()).gettext(text) if text else ""
    pattern, numbers = _NUMBER.subn("%(number)s", text)
    if numbers != 1 or not is_translated(pattern):
        return text
    return gettext(pattern, number=_NUMBER.findall(text)[0])


def is_translated(text: str) -> bool:
    """Return whether the catalogue of the page's language has this text."""
    return texts(language()).gettext(text) != text


def localize(pages: Blueprint) -> None:
    """Give the templates of the application their texts, and its pages their headers."""
    for each in LANGUAGES:
        texts(each)

    pages.record_once(lambda state: _install_texts(state.app.jinja_env))
    pages.add_app_template_filter(translated)
    pages.after_app_request(_say_what_it_depends_on)


def _install_texts(environment: Environment) -> None:
    """Install functions in the new style of the extension, whose own ones are slower: a page has a hundred texts."""
    environment.add_extension("jinja2.ext.i18n")
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.globals.update(
        {"_": _text, "gettext": _text, "ngettext": _text_for_number, "pgettext": _text_in_context},
        language=language,
        LANGUAGES=LANGUAGES,
    )


def _text(text: str, /, **values: object) -> Markup:
    """Return a text for HTML. Its values are escaped; the text itself may have markup."""
    return _template(text, language()) % values if values else _plain(text, language())


@lru_cache(maxsize=4096)
def _template(text: str, of: Language) -> Markup:
    return Markup(texts(of).gettext(text))  # noqa: S704 - from the catalogue


@lru_cache(maxsize=4096)
def _plain(text: str, of: Language) -> Markup:
    """Return a text without values, in which `%%` stands for a percent sign as in those with values."""
    return _template(text, of) % {}


def _text_for_number(one: str, several: str, num: int, /, **values: object) -> Markup:
    translated = texts(language()).ngettext(one, several, num)
    return Markup(translated) % {"num": num, **values}  # noqa: S704 - from the catalogue


def _text_in_context(context: str, text: str, /, **values: object) -> Markup:
    return Markup(texts(language()).pgettext(context, text)) % values  # noqa: S704 - from the catalogue


def _chosen() -> Language | None:
    found = _in_cookie.search(request.environ.get("HTTP_COOKIE", ""))
    return as_language(found[1]) if found else None


def _say_what_it_depends_on(response: Response) -> Response:
    if response.mimetype == "text/html" and not request.path.startswith("/api/"):
        response.headers["Content-Language"] = language()
        response.vary.update(["Accept-Language", "Cookie"])
    return response
