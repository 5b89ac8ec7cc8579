"""A minimal browser: follows links by their text, fills in forms, keeps cookies."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

_TEXT_FIELDS = ("input", "select", "textarea")
_TIMEOUT = 30


@dataclass
class Form:
    """A form. `fields` have the values from the page; `required` fields must be filled in."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    choices: set[str] = field(default_factory=set)
    """Check boxes and radio buttons. One that is not checked is not submitted."""
    buttons: list[str] = field(default_factory=list)
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name and value of the buttons that have one, by their words."""
    at: int = 0
    """Its place among the words of the page."""


@dataclass(frozen=True)
class Link:
    words: str
    address: str
    at: int
    """Its place among the words of the page."""


class Page(HTMLParser):
    """The visible text, links and forms of one response."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__()
        self.status = response.status_code
        self.url = response.url
        self.headers = response.headers
        self.source = response.text
        self.links: list[Link] = []
        self.forms: list[Form] = []
        self._words: list[str] = []
        self._link: tuple[str, int] | None = None
        self._button: tuple[int, dict[str, str]] | None = None
        self._select: str | None = None
        self._is_first_option = False
        self._text_area: str | None = None
        self.feed(response.text)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def place(self, words: str) -> int:
        """Return the place of the first text that contains `words`."""
        found = [index for index, text in enumerate(self._words) if words in text]
        assert found, f"no {words!r} on {self.url}: {self.text}"
        return found[0]

    def form(self, button: str) -> Form:
        found = [form for form in self.forms if button in form.buttons]
        assert len(found) == 1, f"{len(found)} forms with a button {button!r} on {self.url}: {self.text}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._link = (given["href"], len(self._words))
        elif tag == "form":
            self.forms.append(Form(given.get("method", "get"), given.get("action", ""), at=len(self._words)))
        elif tag == "button":
            self._button = (len(self._words), given)
        elif tag in _TEXT_FIELDS:
            self._field(tag, given)
        elif tag == "option" and self._select and ("selected" in given or self._is_first_option):
            self.forms[-1].fields[self._select] = given.get("value", "")
            self._is_first_option = False

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link:
            address, begun = self._link
            self.links.append(Link(" ".join(self._words[begun:]), urljoin(self.url, address), begun))
            self._link = None
        elif tag == "button" and self._button is not None:
            begun, given = self._button
            words = " ".join(self._words[begun:])
            self.forms[-1].buttons.append(words)
            if "name" in given:
                self.forms[-1].values[words] = (given["name"], given.get("value", ""))
            self._button = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._text_area = None

    def handle_data(self, data: str) -> None:
        if data.strip():
            self._words.append(data.strip())
        if self._text_area is not None:
            self.forms[-1].fields[self._text_area] += data

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form, name = self.forms[-1], given["name"]
        if given.get("type") in ("checkbox", "radio"):
            form.choices.add(name)
            if "checked" in given:
                form.fields[name] = given.get("value", "on")
            return
        form.fields[name] = given.get("value", "")
        if "required" in given and not form.fields[name] and tag != "select":
            form.required.add(name)
        self._select, self._is_first_option = (name if tag == "select" else None), True
        self._text_area = name if tag == "textarea" else None


class Browser:
    """Shows one `page` at a time. Asserts that every response is a page and not a server error."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.session = requests.Session()
        self.session.trust_env = False
        self._page: Page | None = None

    @property
    def page(self) -> Page:
        assert self._page is not None, "no page is open"
        return self._page

    def open(self, address: str) -> Page:
        return self._show(self.session.get(urljoin(self.site, address), timeout=_TIMEOUT))

    def follow(self, words: str, number: int = 0, *, after: str = "") -> Page:
        """Follow the link with this text; `number` -1 selects the last of several, `after` those that follow a text."""
        begin = self.page.place(after) if after else 0
        found = [link for link in self.page.links if words in link.words and link.at >= begin]
        assert found, f"no link {words!r} on {self.page.url}: {[link.words for link in self.page.links]}"
        return self.open(found[number].address)

    def submit(self, button: str, **typed: str) -> Page:
        """Submit a form. Refuses what a browser would: unknown fields, and empty required ones."""
        return self.press(self.page.form(button), button, **typed)

    def press(self, form: Form, button: str, **typed: str) -> Page:
        """Submit a form with the value of one of its buttons."""
        pressed = dict([form.values[button]]) if button in form.values else {}
        known = Form(form.method, form.action, {**form.fields, **pressed}, form.required, form.choices)
        return self.send(known, **typed)

    def send(self, form: Form, **typed: str) -> Page:
        """Submit a form of a page that may be outdated."""
        fields = {**form.fields, **typed}
        known = form.fields.keys() | form.choices
        assert fields.keys() <= known, f"the form has {sorted(known)} only"
        assert not {name for name in form.required if not fields[name]}
        address = urljoin(self.page.url, form.action)
        if form.method == "get":
            return self._show(self.session.get(address.partition("?")[0], params=fields, timeout=_TIMEOUT))
        parts = urlsplit(self.page.url)
        headers = {
            "Origin": f"{parts.scheme}://{parts.netloc}",
            "Referer": self.page.url,
            "Sec-Fetch-Site": "same-origin",
        }
        return self._show(self.session.post(address, data=fields, headers=headers, timeout=_TIMEOUT))

    def _show(self, response: requests.Response) -> Page:
        assert response.headers["Content-Type"] == "text/html; charset=utf-8", response.headers
        assert response.status_code != 500, response.text
        assert "Traceback" not in response.text
        assert "`" not in response.text, "Markdown in a page"
        self._page = Page(response)
        return self._page
