"""Live parts of pages: rendered once per snapshot, for all browsers."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from jinja2 import DictLoader

from deploy.console.live import LivePages
from deploy.console.polling import Snapshot, Snapshots
from monolith.shared.endpoints import ApiError


class Published(Snapshots):
    """Snapshots that a test publishes."""

    def __init__(self) -> None:
        super().__init__([])
        self.number = 1

    def current(self, wait_seconds: float = 2.0) -> Snapshot:
        return Snapshot(self.number, datetime.now(UTC))


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.jinja_loader = DictLoader({"ops/live/one.html": "snapshot {{ number }}"})
    return app


def test_browsers_that_ask_at_once_share_one_rendering(app: Flask) -> None:
    snapshots = Published()
    live, rendered, going = LivePages(snapshots), [], threading.Event()

    def values(snapshot: Snapshot, argument: str) -> Mapping[str, Any]:
        rendered.append(snapshot.number)
        assert going.wait(10)
        return {"number": snapshot.number}

    live.add("one", values)
    shown: list[str] = []

    def browse() -> None:
        with app.app_context():
            shown.append(live.fragment("one"))

    browsers = [threading.Thread(target=browse) for _ in range(48)]
    for browser in browsers:
        browser.start()
    going.set()
    for browser in browsers:
        browser.join()
    assert rendered == [1]
    assert shown == ["snapshot 1"] * 48
    snapshots.number = 2
    browse()
    assert (rendered, shown[-1]) == ([1, 2], "snapshot 2")


def test_a_failed_rendering_is_not_kept(app: Flask) -> None:
    snapshots = Published()
    live, outcomes = LivePages(snapshots), iter([ApiError(404, "not_found", "There is no such business."), None])

    def values(snapshot: Snapshot, argument: str) -> Mapping[str, Any]:
        if (error := next(outcomes)) is not None:
            raise error
        return {"number": snapshot.number}

    live.add("one", values)
    with app.app_context():
        with pytest.raises(ApiError):
            live.fragment("one", "salon")
        assert live.fragment("one", "salon") == "snapshot 1"
