"""Open overview pages of the console, read in a process of their own, as by the browsers of other machines."""

import http.client
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from deploy.errors import CommandError

ADAPTERS = ("http", "in_process")
PAGE = "/ops/live/overview"
POLL_SECONDS = 2.0
"""As the script of the page polls where the console has no stream to spare."""
START_SECONDS = 60.0

Shown = list[tuple[float, str]]
"""When a page first showed each default adapter, on the system's monotonic clock."""


class OpenConsoles:
    """`count` open pages between entering and leaving. The process that reads them has the lowest priority."""

    def __init__(self, url: str, token: str, count: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._arguments = (url, token, count)
        self.shown: list[Shown] = []
        """What each page showed; complete once the pages are closed."""

    def __enter__(self) -> Self:
        self._pipe, other = self._context.Pipe()
        self._process = self._context.Process(target=read_pages, args=(*self._arguments, other), daemon=True)
        self._process.start()
        other.close()
        if not self._pipe.poll(START_SECONDS):
            raise CommandError("the pages of the console did not open")
        self._pipe.recv()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError, EOFError):
            self._pipe.send("close")
            self.shown = self._pipe.recv()
        self._process.join(START_SECONDS)


def read_pages(url: str, token: str, count: int, pipe: Connection) -> None:
    """Read `count` pages until the other end of the pipe sends or closes; then send what each showed."""
    os.nice(19)
    closed = threading.Event()
    pages = [_Page(url, token, closed) for _ in range(count)]
    for page in pages:
        threading.Thread(target=page.read, daemon=True).start()
    pipe.send("open")
    with suppress(EOFError):
        pipe.recv()
    closed.set()
    pipe.send([page.shown for page in pages])


class _Page:
    def __init__(self, url: str, token: str, closed: threading.Event) -> None:
        self.shown: Shown = []
        self._at = urlsplit(url)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._closed = closed
        self._reply: http.client.HTTPResponse | None = self._request(PAGE)
        if self._reply.status != http.HTTPStatus.OK:
            self._reply = None

    def read(self) -> None:
        for html in self._updates():
            adapter = next((each for each in ADAPTERS if f"<dd>{each}</dd>" in html), "")
            if not self.shown or self.shown[-1][1] != adapter:
                self.shown.append((time.monotonic(), adapter))

    def _updates(self) -> Iterator[str]:
        if self._reply is not None:
            for line in self._reply:
                if line.startswith(b"data: ") and (html := json.loads(line[6:])["html"]):
                    yield html
            return
        while not self._closed.wait(POLL_SECONDS):
            yield json.load(self._request(f"{PAGE}?once"))["html"]

    def _request(self, target: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self._at.netloc, timeout=30)
        connection.request("GET", target, headers=self._headers)
        return connection.getresponse()
