"""Requests of a consumer for events that it has lost."""

import logging
import time

from monolith.shared.events.consumer_group import ConsumerGroup, Loss

log = logging.getLogger(__name__)

EARLY_EVENTS = "early events"
"""The `position` of the loss that early events show, whose predecessors do not arrive."""


class Republication:
    """Makes the relays republish what `consumer` lost. Not thread-safe.

    A loss is requested as soon as it is found, because nothing shows it later, such as after a restart; the checkpoint
    in Redis keeps the request. Only a request for the same loss waits, for `repeat_after` seconds: it would make the
    relays start again from the same checkpoint.
    """

    def __init__(self, consumer: str, group: ConsumerGroup, repeat_after: float) -> None:
        self._consumer, self._group, self._repeat_after = consumer, group, repeat_after
        self._requested: dict[str, float] = {}

    def request(self, loss: Loss) -> None:
        """Request the lost events, unless that was done recently. Raises redis.RedisError."""
        now = time.monotonic()
        self._requested = {each: at for each, at in self._requested.items() if now < at + self._repeat_after}
        if loss.position in self._requested:
            return
        log.warning("%s requests republication: %s", self._consumer, loss.reason)
        self._group.request_republication(loss.after)
        self._requested[loss.position] = now

    def stream_is_complete(self) -> None:
        """Report that the stream shows no loss: the next one is new, even at the same position."""
        self._requested = {each: at for each, at in self._requested.items() if each == EARLY_EVENTS}
