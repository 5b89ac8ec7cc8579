"""Posts the due deliveries of all businesses. Runs in the worker, as the role `notifications_sender`."""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry

from monolith.modules.notifications.webhooks import delivery_queue as queue
from monolith.modules.notifications.webhooks.delivery_queue import DueDelivery
from monolith.modules.notifications.webhooks.signing import signed_headers
from monolith.modules.notifications.webhooks.webhook_metrics import WebhookMetrics
from monolith.shared.database import ModuleDatabase
from monolith.shared.localization import N_
from monolith.shared.outbound import AddressRefused, OutboundClient, OutboundFailed

log = logging.getLogger(__name__)

BATCH: Final = 20
BATCH_SECONDS: Final = 2.0
"""A batch that takes longer releases what it has not attempted, so that a process that is stopped ends in time."""
ATTEMPT_SECONDS: Final = 4.0
SLOW_SECONDS: Final = 2.0
"""A receiver that takes longer to answer is left alone as after a failure; its delivery is made nevertheless."""
SCHEDULE: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""The delay after each failed attempt, as Standard Webhooks recommends; the tenth failure is the last."""
_GONE: Final = 410


class WebhookSender:
    """Posts deliveries at least once. Any number of senders may run; one business occupies one of them at most."""

    def __init__(self, database: ModuleDatabase, client: OutboundClient, metrics: WebhookMetrics | None = None) -> None:
        self._database = database
        self._client = client
        self._metrics = metrics or WebhookMetrics(CollectorRegistry())

    def step(self) -> bool:
        """Attempt a batch of one business, in its turn; return whether any was due. No transaction is open during
        the requests.
        """
        with self._database.transaction() as connection:
            turn = queue.take_turn(connection)
            due = [] if turn is None else queue.claim(connection, turn, BATCH)
        if turn is None:
            return False
        waiting = self._attempt(due)
        with self._database.transaction() as connection:
            queue.release(connection, waiting)
            queue.end_turn(connection, turn)
        return True

    def _attempt(self, due: Sequence[DueDelivery]) -> list[tuple[DueDelivery, timedelta]]:
        """Attempt deliveries; return those that were not attempted, each with the time that it waits."""
        until = time.monotonic() + BATCH_SECONDS
        # Receivers that do not work well now must not delay the others.
        left_alone: dict[UUID, timedelta] = {}
        waiting: list[tuple[DueDelivery, timedelta]] = []
        for each in due:
            if each.webhook_id in left_alone or time.monotonic() > until:
                waiting.append((each, left_alone.get(each.webhook_id, timedelta(0))))
            elif (delay := self._deliver(each)) is not None:
                left_alone[each.webhook_id] = delay
        return waiting

    def _deliver(self, due: DueDelivery) -> timedelta | None:
        """Attempt one delivery; after a failure or a slow answer, return how long its receiver is left alone."""
        status: int | None = None
        began = time.monotonic()
        try:
            headers = signed_headers(f"msg_{due.delivery_id.hex}", int(time.time()), due.payload, due.secrets)
            headers = {"Content-Type": "application/json", **headers}
            status = self._client.post(due.url, due.payload, headers, seconds=ATTEMPT_SECONDS).status
            problem = N_("The receiver answered with status %(number)s.") % {"number": status}
        except (AddressRefused, OutboundFailed) as error:
            problem = str(error)
        is_slow = time.monotonic() - began > SLOW_SECONDS
        with self._database.transaction() as connection:
            if status is not None and 200 <= status < 300:
                queue.mark_delivered(connection, due, status)
                self._metrics.delivered.inc()
                return SCHEDULE[0] if is_slow else None
            gone = status == _GONE
            delay = None if gone else delay_after(due)
            queue.mark_failed(connection, due, status, problem, delay, gone)
        (self._metrics.dead if delay is None else self._metrics.failed).inc()
        log.warning("webhook delivery %s failed (attempt %d): %s", due.delivery_id, due.attempts, problem)
        return delay or SCHEDULE[0]


def delay_after(due: DueDelivery) -> timedelta | None:
    """Return when to attempt a delivery again after its failure, up to 10 % later; None after the last attempt.

    The id determines the addition, so that deliveries that failed together do not return together.
    """
    if due.attempts > len(SCHEDULE):
        return None
    return SCHEDULE[due.attempts - 1] * (1 + due.delivery_id.int % 100 / 1000)
