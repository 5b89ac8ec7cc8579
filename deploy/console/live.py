"""Live parts of pages: rendered once per snapshot for all browsers, and sent as server-sent events.

Beyond `MAX_STREAMS` the server refuses further streams, and the browser polls instead. Without scripts, a page shows
the state at its time.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from flask import Flask, Response, current_app, render_template, request
from flask.ctx import RequestContext

from deploy.console.polling import Snapshot, Snapshots
from monolith.shared.endpoints import ApiError

MAX_STREAMS = 48
"""Of 64 threads, so that pages are always answered."""
_STREAM_SECONDS = 300.0
"""A browser reconnects by itself; until then its session may have ended."""
_MAX_CACHED = 200

Values = Callable[[Snapshot, str], Mapping[str, Any]]
"""Returns the values of a live template for a snapshot and the page's argument, such as a business's slug."""


class LivePages:
    """The live part of each page. Thread-safe."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._pages: dict[str, Values] = {}
        self._lock = threading.Lock()
        self._number = 0
        self._rendered: dict[tuple[str, str], str] = {}
        self._streams = threading.BoundedSemaphore(MAX_STREAMS)

    def add(self, name: str, values: Values) -> None:
        """Declare the page `name`, whose live part is the template `ops/live/NAME.html`."""
        self._pages[name] = values

    def fragment(self, name: str, argument: str = "") -> str:
        """Return the live part for the page itself, with a current snapshot."""
        return self._render(self._snapshots.current(), name, argument)

    def answer(self, name: str, argument: str = "") -> Response:
        """Answer a browser's request for updates: a stream, or with `?once` one update."""
        if name not in self._pages:
            raise ApiError(404, "not_found", "There is no such live page.")
        if "once" in request.args:
            snapshot = self._snapshots.current()
            return Response(_encode(snapshot, self._render(snapshot, name, argument)), content_type="application/json")
        self.fragment(name, argument)  # raises for an argument that does not exist, before the stream begins
        if not self._streams.acquire(blocking=False):
            raise ApiError(503, "too_many_streams", "Too many live pages are open; this one polls.", retry_after=2)
        response = Response(self._stream(name, argument), content_type="text/event-stream")
        response.call_on_close(self._streams.release)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def _stream(self, name: str, argument: str) -> Iterator[str]:
        app, base = cast(Flask, current_app._get_current_object()), request.url_root  # type: ignore[attr-defined]
        return self._updates(lambda: app.test_request_context(base_url=base), name, argument)

    def _updates(self, context: Callable[[], RequestContext], name: str, argument: str) -> Iterator[str]:
        snapshot, sent = self._snapshots.current(), ""
        for _ in range(int(_STREAM_SECONDS)):
            html = self._cached(snapshot, name, argument)
            if html is None:
                with context():
                    html = self._render(snapshot, name, argument)
            # An unchanged page costs a line: the browser only notes the time.
            yield f"data: {_encode(snapshot, None if html == sent else html)}\n\n"
            sent = html
            snapshot = self._snapshots.next(snapshot.number, 5.0)

    def _render(self, snapshot: Snapshot, name: str, argument: str) -> str:
        found = self._cached(snapshot, name, argument)
        if found is None:
            found = render_template(f"ops/live/{name}.html", **self._pages[name](snapshot, argument))
            with self._lock:
                if snapshot.number == self._number and len(self._rendered) < _MAX_CACHED:
                    self._rendered[name, argument] = found
        return found

    def _cached(self, snapshot: Snapshot, name: str, argument: str) -> str | None:
        with self._lock:
            if snapshot.number > self._number:
                self._number, self._rendered = snapshot.number, {}
            return self._rendered.get((name, argument)) if snapshot.number == self._number else None


def _encode(snapshot: Snapshot, html: str | None) -> str:
    return json.dumps({"at": f"{snapshot.taken_at:%H:%M:%S}", "html": html})
