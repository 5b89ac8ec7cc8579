"""Both webs with a profiler around each request: `gunicorn tests.architecture.traced_apps:monolith` or `:scheduling`.

The functions of the product that a POST to an `/appointments` path calls are written to the file named by TRACED_CALLS,
one `path:function` a line.
"""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = tuple(f"{ROOT / package}{os.sep}" for package in ("contracts", "scheduling_service", "monolith"))

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def traced(app: Wsgi) -> Wsgi:
    """Wrap `app`, so that the calls of each booking are written down."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or not environ["PATH_INFO"].endswith("/appointments"):
            return app(environ, start_response)
        calls: set[str] = set()

        def note(frame: FrameType, event: str, _: object) -> None:
            if event == "call" and frame.f_code.co_filename.startswith(PRODUCT):
                path = frame.f_code.co_filename.removeprefix(f"{ROOT}{os.sep}")
                calls.add(f"{path}:{frame.f_code.co_qualname}")

        sys.setprofile(note)
        try:
            return list(app(environ, start_response))
        finally:
            sys.setprofile(None)
            Path(os.environ["TRACED_CALLS"]).write_text("\n".join(sorted(calls)))

    return answer


def __getattr__(name: str) -> Wsgi:
    if name == "monolith":
        from monolith.wsgi import app

        return traced(app.wsgi_app)
    if name == "scheduling":
        from scheduling_service.wsgi import app as service

        return traced(service.wsgi_app)
    raise AttributeError(name)
