"""The scheduling service as a port, over HTTP."""

import random
import ssl
import time
from collections.abc import Callable

from requests import PreparedRequest

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
from monolith.modules.scheduling.adapters.replies import read_reply
from monolith.modules.scheduling.adapters.request_builder import RequestBuilder, set_time_left
from monolith.modules.scheduling.adapters.tokens import TokenSigner

Observer = Callable[[str, str, float], None]
"""Told of each call: the operation's name, `ok` or the code of the error, and the seconds it took."""

_TRIES = 3
_BACKOFF = 0.02
_SHORTEST_TRY = 0.02
_FAIR_WAIT = 0.25
"""Seconds; a caller that gave the service less than this may not blame it for being late."""


class HttpScheduling(SchedulingPort):
    """The port over one pooled session. Safe to share among threads; use it after a fork, not before.

    A call ends by its deadline, at most the operation's budget, whatever the service does. A call that failed is
    repeated only if the table says that it is idempotent, with the same key, within the deadline, at most twice, and
    as long as retries are few among all calls. When a try of a write may have had its effect, only an answer that
    settles it is passed on; anything else is `OutcomeUnknown`.
    """

    def __init__(
        self,
        base_url: str,
        signer: TokenSigner,
        *,
        max_concurrent: int = 32,
        breaker: Breaker | None = None,
        observe: Observer | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Raises ValueError for a malformed URL. Opens no connection."""
        self._requests = RequestBuilder(base_url, signer)
        if tls is None and base_url.startswith("https:"):
            tls = ssl.create_default_context()
        self._transport = Transport(pool_size=max_concurrent, longest_body=codec.MAX_REPLY_BYTES, tls=tls)
        self._bulkhead = Bulkhead(max_concurrent)
        self._breaker = breaker or Breaker()
        self._retries = RetryBudget()
        self._observe = observe

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        began = time.perf_counter()
        outcome = "internal"
        try:
            with self._bulkhead.slot():
                reply = self._call(operation, ctx, request)
            outcome = "ok"
            return reply
        except SchedulingError as error:
            outcome = error.code
            raise
        finally:
            if self._observe is not None:
                self._observe(operation.name, outcome, time.perf_counter() - began)

    def close(self) -> None:
        self._transport.close()

    def _call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        deadline = ctx.deadline.capped(operation.budget_ms / 1000)
        if deadline.expired():
            raise DeadlineExceeded(DEADLINE_PASSED)
        outgoing = self._requests.make(operation, ctx, request, deadline)
        self._retries.earn()
        unsettled, tries_left = False, _TRIES if operation.idempotent else 1
        while True:
            result = self._try(operation, outgoing, deadline)
            if not isinstance(result, Failure):
                return result
            unsettled = unsettled or result.unsettled
            tries_left -= 1
            if not tries_left or not self._waits_to_repeat(result, unsettled, deadline):
                raise result.final_error(unsettled) from result.cause

    def _try(self, operation: Operation[Q, R], outgoing: PreparedRequest, deadline: Deadline) -> R | Failure:
        try:
            admission = self._breaker.admit()
        except BreakerOpen as opened:
            return failures.from_open_breaker(opened)
        to_blame = False if deadline.remaining() >= _FAIR_WAIT else None
        healthy: bool | None = False
        try:
            result = read_reply(operation, self._exchange(operation, outgoing, deadline))
            healthy = to_blame if isinstance(result, DeadlineExceeded) else True
            return failures.from_error_reply(result) if isinstance(result, SchedulingError) else result
        except ExchangeFailed as failed:
            healthy = to_blame if failed.timed_out else False
            return failures.from_failed_exchange(failed, writes=operation.writes)
        except MalformedReply as malformed:
            return failures.from_malformed_reply(malformed, writes=operation.writes)
        finally:
            self._breaker.report(admission, healthy)

    def _exchange(self, operation: Operation[Q, R], outgoing: PreparedRequest, deadline: Deadline) -> HttpReply:
        """A kept-alive connection that the service had closed says nothing about the service: once more, at once."""
        try:
            return self._exchange_once(outgoing, deadline)
        except ExchangeFailed as failed:
            if not (failed.went_stale and operation.idempotent):
                raise
        try:
            return self._exchange_once(outgoing, deadline)
        except ExchangeFailed as failed:
            failed.sent = True
            raise

    def _exchange_once(self, outgoing: PreparedRequest, deadline: Deadline) -> HttpReply:
        set_time_left(outgoing, deadline)
        return self._transport.exchange(outgoing, deadline)

    def _waits_to_repeat(self, failure: Failure, unsettled: bool, deadline: Deadline) -> bool:
        """Whether another try is worth making; if so, returns when it is time for it."""
        if failure.final or failure.wait is None or (failure.only_to_settle and not unsettled):
            return False
        wait = failure.wait + random.uniform(0.5, 1) * max(_BACKOFF, failure.wait / 10)  # noqa: S311
        if wait + _SHORTEST_TRY > deadline.remaining() or not self._retries.spend():
            return False
        time.sleep(wait)
        return True
