"""Live parts of pages: rendered once per snapshot for all browsers, and sent as server-sent events.

Beyond `MAX_STREAMS` the server refuses further streams, and the browser polls instead. Without scripts, a page shows
the state at its time.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, cast

from flask import Flask, Response, current_app, render_template, request
from werkzeug.test import create_environ

from deploy.console.polling import Snapshot, Snapshots
from monolith.shared.endpoints import ApiError

MAX_STREAMS = 48
"""Of 64 threads, so that pages are always answered."""
_STREAM_SECONDS = 300.0
"""A browser reconnects by itself; until then its session may have ended."""
_MAX_CACHED = 200

Values = Callable[[Snapshot, str], Mapping[str, Any]]
"""Returns the values of a live template for a snapshot and the page's argument, such as a business's slug."""


class Rendered(NamedTuple):
    """The live part of a page in one snapshot. `update` is its text as it is sent to each browser."""

    html: str
    update: str


class LivePages:
    """The live part of each page. Thread-safe."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._pages: dict[str, Values] = {}
        self._lock = threading.Lock()
        self._number = 0
        self._rendered: dict[tuple[str, str], Future[Rendered]] = {}
        self._streams = threading.BoundedSemaphore(MAX_STREAMS)

    def add(self, name: str, values: Values) -> None:
        """Declare the page `name`, whose live part is the template `ops/live/NAME.html`."""
        self._pages[name] = values

    def fragment(self, name: str, argument: str = "") -> str:
        """Return the live part for the page itself, with a current snapshot."""
        return self._render(self._snapshots.current(), name, argument).html

    def answer(self, name: str, argument: str = "") -> Response:
        """Answer a browser's request for updates: a stream, or with `?once` one update."""
        if name not in self._pages:
            raise ApiError(404, "not_found", "There is no such live page.")
        if "once" in request.args:
            rendered = self._render(self._snapshots.current(), name, argument)
            return Response(rendered.update, content_type="application/json")
        self.fragment(name, argument)  # raises for an argument that does not exist, before the stream begins
        if not self._streams.acquire(blocking=False):
            raise ApiError(503, "too_many_streams", "Too many live pages are open; this one polls.", retry_after=2)
        response = Response(self._stream(name, argument), content_type="text/event-stream")
        response.call_on_close(self._streams.release)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def _stream(self, name: str, argument: str) -> Iterator[str]:
        app = cast(Flask, current_app._get_current_object())  # type: ignore[attr-defined]
        # Made once: to make an environment costs about as much as to render a page.
        environment = create_environ(base_url=request.url_root)
        return self._updates(lambda: app.request_context(dict(environment)), name, argument)

    def _updates(
        self, context: Callable[[], AbstractContextManager[object]], name: str, argument: str
    ) -> Iterator[str]:
        snapshot, sent = self._snapshots.current(), ""
        for _ in range(int(_STREAM_SECONDS)):
            rendered = self._render(snapshot, name, argument, context)
            # An unchanged page costs a line: the browser only notes the time.
            yield f"data: {_encode(snapshot, None) if rendered.html == sent else rendered.update}\n\n"
            sent = rendered.html
            snapshot = self._snapshots.next(snapshot.number, 5.0)

    def _render(
        self,
        snapshot: Snapshot,
        name: str,
        argument: str,
        context: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> Rendered:
        """Render once per snapshot: all streams wake at the same moment, and wait for the first of them."""
        rendered, is_first = self._claim(snapshot, name, argument)
        if is_first:
            try:
                with context():
                    html = render_template(f"ops/live/{name}.html", **self._pages[name](snapshot, argument))
                rendered.set_result(Rendered(html, _encode(snapshot, html)))
            except BaseException as error:
                with self._lock:
                    if self._rendered.get((name, argument)) is rendered:
                        del self._rendered[name, argument]
                rendered.set_exception(error)
        return rendered.result()

    def _claim(self, snapshot: Snapshot, name: str, argument: str) -> tuple[Future[Rendered], bool]:
        """Return the rendering of the page in this snapshot, and whether the caller has to do it."""
        with self._lock:
            if snapshot.number > self._number:
                self._number, self._rendered = snapshot.number, {}
            claimed: Future[Rendered] | None = None
            if snapshot.number == self._number:
                claimed = self._rendered.get((name, argument))
            if claimed is not None:
                return claimed, False
            claimed = Future()
            if snapshot.number == self._number and len(self._rendered) < _MAX_CACHED:
                self._rendered[name, argument] = claimed
            return claimed, True


def _encode(snapshot: Snapshot, html: str | None) -> str:
    return json.dumps({"at": f"{snapshot.taken_at:%H:%M:%S}", "html": html})
