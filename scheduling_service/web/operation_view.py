"""One operation over HTTP: authentication, deadline, idempotency key, the call of the port, the response."""

import logging
import re
import time
from typing import Any, Protocol

from flask import request
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.wrappers import Response

from contracts.chassis import tracing
from contracts.chassis.arrival import confirm_tenant, seconds_in_queue
from contracts.chassis.deadline import Deadline
from contracts.chassis.http_constants import IDEMPOTENCY_KEY, JSON_TYPE, MAX_REQUEST_BYTES
from contracts.chassis.trace import REQUEST_ID, TRACEPARENT, Trace, new_trace
from contracts.scheduling import codec
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import DeadlineExceeded, InvalidRequest, SchedulingError
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.service_tokens import Claims
from contracts.scheduling.validation import DEADLINE_PASSED, require_key
from scheduling_service.web import responses
from scheduling_service.web.connection import caller_has_disconnected
from scheduling_service.web.metrics import OperationMetrics
from scheduling_service.web.tokens import TokenVerifier, require_purpose

_log = logging.getLogger("scheduling_service.requests")
_milliseconds = re.compile(r"-?[0-9]{1,9}")


class ServedPort(Protocol):
    """The interface that the HTTP API needs: every operation through one method, and a readiness check."""

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R: ...

    def ping(self) -> None:
        """Raise Unavailable, naming the cause, unless calls can be served now."""


class OperationView:
    """The Flask view of one operation. It handles every error, so each call is measured and logged exactly once."""

    def __init__(
        self, operation: Operation[Any, Any], port: ServedPort, verifier: TokenVerifier, metrics: OperationMetrics
    ) -> None:
        self._operation = operation
        self._port = port
        self._verifier = verifier
        self._metrics = metrics
        self._route = (operation.name,)

    @property
    def __name__(self) -> str:
        return self._operation.name

    def __call__(self, **path_fields: str) -> Response:
        began, cpu_began = time.perf_counter(), time.thread_time()
        trace = new_trace(request.headers.get(TRACEPARENT), request.headers.get(REQUEST_ID))
        call = _Call(self._operation, trace, path_fields)
        self._metrics.request_started(self._route)
        with tracing.request(self._operation.name, trace, request.headers.get(TRACEPARENT)):
            response = self._respond(call)
            tracing.annotate(**{"http.response.status_code": response.status_code})
        responses.add_trace(response, trace)
        seconds = time.perf_counter() - began
        self._metrics.request_finished(self._route, response.status_code, seconds, time.thread_time() - cpu_began)
        call.log(response.status_code, seconds)
        return response

    def _respond(self, call: "_Call") -> Response:
        try:
            reply = call.perform(self._port, self._verifier)
            return responses.success(self._operation.status, codec.encode_reply(reply))
        except SchedulingError as error:
            return responses.failure(error)
        except HTTPException as error:
            return responses.http_problem(error)
        except Exception:
            _log.exception("call failed", extra={"fields": {"request_id": call.trace.request_id}})
            return responses.http_problem(InternalServerError())


class _Call:
    def __init__(self, operation: Operation[Any, Any], trace: Trace, path_fields: dict[str, str]) -> None:
        self.trace = trace
        self._operation = operation
        self._path_fields = path_fields
        self._claims: Claims | None = None

    def perform(self, port: ServedPort, verifier: TokenVerifier) -> Any:
        """Call the port. Authenticates before reading the body. Raises contract errors and HTTPException."""
        claims = self._claims = verifier.claims(request.headers.get("Authorization", ""))
        confirm_tenant()
        deadline = _deadline(request.headers.get(codec.TIME_LEFT_MS), self._operation.budget_ms)
        key = require_key(request.headers.get(IDEMPOTENCY_KEY)) if self._operation.writes else None
        require_purpose(claims, self._operation, key)
        decoded = self._decode_request()
        if caller_has_disconnected(request.environ):
            raise DeadlineExceeded("The caller has disconnected; nothing was done.")
        ctx = CallContext(claims.biz, claims.act, deadline, self.trace, key)
        return port.call(self._operation, ctx, decoded)

    def _decode_request(self) -> Any:
        query: str = request.environ.get("QUERY_STRING", "")
        body = _body() if self._operation.writes else b""
        return codec.decode_request(self._operation, self._path_fields, query, body)

    def log(self, status: int, seconds: float) -> None:
        _log.info(
            "request",
            extra={
                "fields": {
                    "request_id": self.trace.request_id,
                    "trace_id": self.trace.trace_id,
                    "operation": self._operation.name,
                    "business": str(self._claims.biz) if self._claims else None,
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                }
            },
        )


def _deadline(time_left: str | None, budget_ms: int) -> Deadline:
    """Return the caller's deadline, at most the operation's budget from the arrival of the request."""
    queued = seconds_in_queue()
    if time_left is None:
        return Deadline.after(budget_ms / 1000 - queued)
    if not _milliseconds.fullmatch(time_left):
        raise InvalidRequest(f"{codec.TIME_LEFT_MS} must be a whole number of milliseconds.", field=codec.TIME_LEFT_MS)
    if int(time_left) <= 0:
        raise DeadlineExceeded(DEADLINE_PASSED)
    return Deadline.after(min(int(time_left), budget_ms) / 1000 - queued)


def _body() -> bytes:
    if request.mimetype != JSON_TYPE:
        raise UnsupportedMediaType
    try:
        body = request.get_data(cache=False)
    except HTTPException:
        raise
    except Exception as error:  # servers differ in what they raise for malformed chunks
        raise InvalidRequest("The body could not be read.") from error
    if len(body) > MAX_REQUEST_BYTES:
        raise RequestEntityTooLarge
    if request.content_length not in (None, len(body)):
        raise InvalidRequest("The body is shorter than its Content-Length.")
    return body
