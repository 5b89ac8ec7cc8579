"""A killable event process: `python -m tests.faults.event_process relay|follower ARGUMENTS`.

It prints each point that it reaches, and continues on a line of input.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.module import build_notifications
from monolith.shared.database import ModuleDatabase
from monolith.shared.events import Consumer
from monolith.shared.events.consumer_group import ConsumerGroup
from monolith.shared.events.follower import Follower
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.wiring import build_relay

ROOT = Path(__file__).resolve().parents[2]


class EventProcess:
    """The test's handle on the process."""

    def __init__(self, role: str, **arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.event_process", role, json.dumps(arguments)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def wait_for(self, point: str) -> None:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        assert said == point

    def resume(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def _relay(database_url: str, role_secret: str, redis_url: str) -> None:
    relay = build_relay(
        "scheduling", database_url, role_secret, redis_url, RelayMetrics(CollectorRegistry(), "scheduling")
    )
    relay.step()
    _stop_at("leading")
    while True:
        relay.step()


def _follower(database_url: str, role_secret: str, redis_url: str) -> None:
    database = ModuleDatabase(database_url, role="notifications_app", secret=role_secret)
    handle = build_notifications(database).consumers[0].handle

    def handle_and_stop(events: Sequence[AnyEvent], connection: Connection) -> None:
        handle(events, connection)
        _stop_at("handled")

    follower = Follower(Consumer("notifications", database, handle_and_stop), ConsumerGroup(redis_url, "notifications"))
    while True:
        follower.step()


def _stop_at(point: str) -> None:
    sys.stdout.write(point + "\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    {"relay": _relay, "follower": _follower}[sys.argv[1]](**json.loads(sys.argv[2]))
