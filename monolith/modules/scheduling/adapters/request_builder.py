"""Encoding of port calls as HTTP requests."""

from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.structures import CaseInsensitiveDict

from contracts.chassis import tracing
from contracts.chassis.deadline import Deadline
from contracts.chassis.http_constants import IDEMPOTENCY_KEY, JSON_TYPE, PRIORITY, PROBLEM_TYPE, SHADOW_PRIORITY
from contracts.chassis.trace import REQUEST_ID, TRACEPARENT
from contracts.scheduling import codec
from contracts.scheduling.context import CallContext
from contracts.scheduling.operations import Operation
from contracts.scheduling.validation import require_key
from monolith.modules.scheduling.adapters.tokens import TokenSigner

_MARGIN = 0.05
"""The service's deadline is this many seconds earlier than the caller's, so that its reply arrives in time."""


class RequestBuilder:
    """Builds the requests to one service."""

    def __init__(self, base_url: str, signer: TokenSigner, *, shadow: bool = False) -> None:
        """Raises ValueError unless the URL has the form http(s)://host[:port][/prefix]."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"not a service URL: {base_url}")
        if parts.username or parts.password:
            raise ValueError("a service URL must not contain credentials")
        self._base_url = base_url.rstrip("/")
        self._signer = signer
        self._constant_headers = {"User-Agent": "monolith", "Accept": f"{JSON_TYPE}, {PROBLEM_TYPE}"}
        if shadow:
            self._constant_headers[PRIORITY] = SHADOW_PRIORITY

    def make(
        self, operation: Operation[Any, Any], ctx: CallContext, request: Any, deadline: Deadline
    ) -> PreparedRequest:
        """Build a request directly, because `requests` would parse and encode everything again.

        Raises InvalidRequest for a write without a valid key.
        """
        headers = self._headers(operation, ctx, deadline)
        wire = codec.encode_request(operation, request)
        prepared = PreparedRequest()
        prepared.method = operation.method
        prepared.url = self._base_url + wire.target
        prepared.headers = CaseInsensitiveDict(headers)
        if wire.body is not None:
            prepared.body = wire.body
            prepared.headers["Content-Type"] = JSON_TYPE
            prepared.headers["Content-Length"] = str(len(wire.body))
        return prepared

    def _headers(self, operation: Operation[Any, Any], ctx: CallContext, deadline: Deadline) -> dict[str, str]:
        headers = {
            **self._constant_headers,
            TRACEPARENT: tracing.continued(ctx.trace).header(),
            REQUEST_ID: ctx.trace.request_id,
        }
        if operation.writes:
            key = require_key(ctx.idempotency_key)
            token = self._signer.for_write(ctx.business_id, ctx.actor, operation.name, key, deadline.remaining())
            headers[IDEMPOTENCY_KEY] = key
        else:
            token = self._signer.for_reads(ctx.business_id, ctx.actor)
        headers["Authorization"] = f"Bearer {token}"
        return headers


def set_time_left(request: PreparedRequest, deadline: Deadline) -> None:
    """Set the remaining time in the header; called for each attempt."""
    remaining = deadline.remaining()
    request.headers[codec.TIME_LEFT_MS] = str(max(int((remaining - min(_MARGIN, remaining / 10)) * 1000), 1))
