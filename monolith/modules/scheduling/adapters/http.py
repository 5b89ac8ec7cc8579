"""The port over HTTP, to the scheduling service."""

import random
import ssl
import time

from prometheus_client import CollectorRegistry
from requests import PreparedRequest

from contracts.chassis import tracing
from contracts.chassis.deadline import Deadline
from contracts.scheduling import codec
from contracts.scheduling.codec import MalformedReply
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import DeadlineExceeded, SchedulingError
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.validation import DEADLINE_PASSED
from monolith.modules.scheduling.adapters import failures
from monolith.modules.scheduling.adapters.breaker import Breaker, BreakerOpen
from monolith.modules.scheduling.adapters.deadline_transport import ExchangeFailed, HttpReply, Transport
from monolith.modules.scheduling.adapters.failures import Failure
from monolith.modules.scheduling.adapters.limits import Bulkhead, RetryBudget
from monolith.modules.scheduling.adapters.metrics import ServiceCallMetrics
from monolith.modules.scheduling.adapters.replies import read_reply
from monolith.modules.scheduling.adapters.request_builder import RequestBuilder, set_time_left
from monolith.modules.scheduling.adapters.tokens import TokenSigner

_MAX_ATTEMPTS = 3
_BACKOFF = 0.02
_MINIMUM_ATTEMPT_SECONDS = 0.02
_FAIR_WAIT_SECONDS = 0.25
"""A timeout counts against the service only if it had at least this time."""


class HttpScheduling(SchedulingPort):
    """The port over one pooled session. Thread-safe. Use it after a fork, not before.

    Every call ends by its deadline, which the operation's budget limits. A failed call is retried only if the operation
    is idempotent, with the same key, within the deadline, at most twice, and within the retry budget. If an attempt of
    a write may have had an effect, the call ends with a conclusive reply or with `OutcomeUnknown`.
    """

    def __init__(
        self,
        base_url: str,
        signer: TokenSigner,
        *,
        max_concurrent: int = 32,
        breaker: Breaker | None = None,
        metrics: ServiceCallMetrics | None = None,
        tls: ssl.SSLContext | None = None,
        shadow: bool = False,
    ) -> None:
        """Raises ValueError for a malformed URL. Does not connect. `shadow` marks the calls as background work."""
        self._requests = RequestBuilder(base_url, signer, shadow=shadow)
        if tls is None and base_url.startswith("https:"):
            tls = ssl.create_default_context()
        self._transport = Transport(pool_size=max_concurrent, longest_body=codec.MAX_REPLY_BYTES, tls=tls)
        self._metrics = metrics or ServiceCallMetrics(CollectorRegistry())
        self._bulkhead = Bulkhead(max_concurrent, self._metrics)
        self._breaker = breaker or Breaker(on_change=self._metrics.breaker_changed)
        self._retries = RetryBudget()

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        began = time.perf_counter()
        outcome = "internal"
        try:
            with self._bulkhead.slot(ctx.deadline), tracing.span(f"call {operation.name}", "client"):
                reply = self._call(operation, ctx, request)
            outcome = "ok"
            return reply
        except SchedulingError as error:
            outcome = error.code
            raise
        finally:
            self._metrics.finished(operation.name, outcome, time.perf_counter() - began)

    def close(self) -> None:
        self._transport.close()

    def _call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        deadline = ctx.deadline.capped(operation.budget_ms / 1000)
        if deadline.expired():
            raise DeadlineExceeded(DEADLINE_PASSED)
        outgoing = self._requests.make(operation, ctx, request, deadline)
        self._retries.earn()
        unsettled, attempts_left = False, _MAX_ATTEMPTS if operation.idempotent else 1
        while True:
            result = self._attempt(operation, outgoing, deadline)
            if not isinstance(result, Failure):
                return result
            unsettled = unsettled or result.unsettled
            attempts_left -= 1
            if not attempts_left or not self._wait_for_retry(result, unsettled, deadline):
                raise result.final_error(unsettled) from result.cause

    def _attempt(self, operation: Operation[Q, R], outgoing: PreparedRequest, deadline: Deadline) -> R | Failure:
        try:
            permit = self._breaker.admit()
        except BreakerOpen as opened:
            self._metrics.refused("breaker")
            return failures.from_open_breaker(opened)
        timeout_health = False if deadline.remaining() >= _FAIR_WAIT_SECONDS else None
        healthy: bool | None = False
        try:
            reply, sent_twice = self._exchange(operation, outgoing, deadline)
            result = read_reply(operation, reply)
            healthy = timeout_health if isinstance(result, DeadlineExceeded) else True
            if not isinstance(result, SchedulingError):
                return result
            return failures.from_error_reply(result, maybe_done=operation.writes and sent_twice)
        except ExchangeFailed as failed:
            healthy = timeout_health if failed.timed_out else failed.too_large
            return failures.from_failed_exchange(failed, writes=operation.writes)
        except MalformedReply as malformed:
            return failures.from_malformed_reply(malformed, writes=operation.writes)
        finally:
            self._breaker.report(permit, healthy)

    def _exchange(
        self, operation: Operation[Q, R], outgoing: PreparedRequest, deadline: Deadline
    ) -> tuple[HttpReply, bool]:
        """Exchange once, and again immediately if the service had closed the kept-alive connection.

        Returns the reply, and whether the request was sent twice: a process that died with the request looks the same
        as a closed connection, so the first one may have been performed.
        """
        try:
            return self._exchange_once(outgoing, deadline), False
        except ExchangeFailed as failed:
            if not (failed.went_stale and operation.idempotent):
                raise
        try:
            return self._exchange_once(outgoing, deadline), True
        except ExchangeFailed as failed:
            failed.sent = True
            raise

    def _exchange_once(self, outgoing: PreparedRequest, deadline: Deadline) -> HttpReply:
        set_time_left(outgoing, deadline)
        return self._transport.exchange(outgoing, deadline)

    def _wait_for_retry(self, failure: Failure, unsettled: bool, deadline: Deadline) -> bool:
        """Return false if a retry is not worthwhile; otherwise wait until it is time for it and return true."""
        if failure.final or failure.wait is None or (failure.only_to_settle and not unsettled):
            return False
        wait = failure.wait + random.uniform(0.5, 1) * max(_BACKOFF, failure.wait / 10)  # noqa: S311
        if wait + _MINIMUM_ATTEMPT_SECONDS > deadline.remaining() or not self._retries.spend():
            return False
        time.sleep(wait)
        self._metrics.retried()
        return True
