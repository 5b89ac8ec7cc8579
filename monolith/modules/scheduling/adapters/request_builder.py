"""From a call of the port to a request on the wire."""

from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.structures import CaseInsensitiveDict

from contracts.chassis.deadline import Deadline
from contracts.chassis.http_constants import IDEMPOTENCY_KEY, JSON_TYPE, PROBLEM_TYPE
from contracts.chassis.trace import REQUEST_ID, TRACEPARENT
from contracts.scheduling import codec
from contracts.scheduling.context import CallContext
from contracts.scheduling.operations import Operation
from contracts.scheduling.validation import require_key
from monolith.modules.scheduling.adapters.tokens import TokenSigner

_MARGIN = 0.05
"""Seconds that the service gives up before the caller does, so that its answer still arrives."""


class RequestBuilder:
    """Makes the requests to one service."""

    def __init__(self, base_url: str, signer: TokenSigner) -> None:
        """Raises ValueError for a URL that is not http(s)://host[:port][/prefix]."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"not the URL of a service: {base_url}")
        if parts.username or parts.password:
            raise ValueError("the URL of a service holds no credentials")
        self._base_url = base_url.rstrip("/")
        self._signer = signer

    def make(
        self, operation: Operation[Any, Any], ctx: CallContext, request: Any, deadline: Deadline
    ) -> PreparedRequest:
        """Put together by hand, since `requests` would parse and encode once more what is encoded already.

        Raises InvalidRequest for a write without a sound key, and for values that are not the contract's.
        """
        headers = self._headers(operation, ctx, deadline)
        wire = codec.encode_request(operation, request)
        made = PreparedRequest()
        made.method = operation.method
        made.url = self._base_url + wire.target
        made.headers = CaseInsensitiveDict(headers)
        if wire.body is not None:
            made.body = wire.body
            made.headers["Content-Type"] = JSON_TYPE
            made.headers["Content-Length"] = str(len(wire.body))
        return made

    def _headers(self, operation: Operation[Any, Any], ctx: CallContext, deadline: Deadline) -> dict[str, str]:
        headers = {
            "User-Agent": "monolith",
            "Accept": f"{JSON_TYPE}, {PROBLEM_TYPE}",
            TRACEPARENT: ctx.trace.header(),
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
    """Set the header anew, for each try."""
    left = deadline.remaining()
    request.headers[codec.TIME_LEFT_MS] = str(max(int((left - min(_MARGIN, left / 10)) * 1000), 1))
