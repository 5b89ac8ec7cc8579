"""Flask view of an endpoint: authorize, decode, handle, reply."""

from typing import Any

import msgspec
from flask import Response, request

from contracts.chassis.http_constants import JSON_TYPE
from monolith.shared.endpoints.authorizer import Authorizer
from monolith.shared.endpoints.call import Call
from monolith.shared.endpoints.decoding import convert, convert_query, decode_body, decode_query, require_key
from monolith.shared.endpoints.endpoint import AnyEndpoint
from monolith.shared.endpoints.errors import ApiError, invalid_request
from monolith.shared.middleware.request_context import current_request_context

_encode = msgspec.json.Encoder().encode


class EndpointView:
    """The view of one endpoint; Flask calls it with the fields of the path."""

    def __init__(self, endpoint: AnyEndpoint, authorizer: Authorizer) -> None:
        self._endpoint = endpoint
        self._authorizer = authorizer
        self._has_business = "{slug}" in endpoint.path

    def __call__(self, **path: str) -> Response:
        call = self._call(path)
        reply = self._endpoint.handler(call)
        if self._endpoint.reply is None:
            response = Response(b"", 204)
        else:
            response = Response(_encode(reply), self._endpoint.status, content_type=JSON_TYPE)
        response.headers["Cache-Control"] = "no-store"
        for name, value in call.reply_headers:
            response.headers.add(name, value)
        return response

    def _call(self, path: dict[str, str]) -> Call[Any]:
        endpoint = self._endpoint
        context = current_request_context()
        business = self._authorizer.business(path["slug"]) if self._has_business else None
        principal = self._authorizer.principal(request)
        self._authorizer.authorize(endpoint.required_access, principal, business)
        return Call(
            body=None if endpoint.body is None else _body(endpoint.body, may_be_missing=endpoint.needs_key),
            query=_query(endpoint.query),
            path=path,
            principal=principal,
            business=business,
            trace=context.trace,
            deadline=context.deadline,
            idempotency_key=_key(endpoint.needs_key),
            remote_address=self._authorizer.remote_address(request),
            user_agent=request.environ.get("HTTP_USER_AGENT", ""),
            device_cookie=self._authorizer.device_cookie(request),
        )


def _body(model: type[Any], *, may_be_missing: bool) -> Any:
    content_type = request.environ.get("CONTENT_TYPE", "")
    if may_be_missing and not content_type and not request.content_length:
        return convert({}, model)
    if content_type.partition(";")[0].strip().lower() != JSON_TYPE:
        raise ApiError(415, "unsupported_media_type", f"Send the body as {JSON_TYPE}.", field="Content-Type")
    return decode_body(request.get_data(cache=False), model)


def _query(model: type[msgspec.Struct] | None) -> msgspec.Struct | None:
    fields = decode_query(request.environ.get("QUERY_STRING", ""), model)
    if model is not None:
        return convert_query(fields, model)
    if fields:
        name = next(iter(fields))
        raise invalid_request(f"This endpoint has no query parameters; remove `{name}`.", name)
    return None


def _key(needed: bool) -> str | None:
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    return require_key(key) if needed or key is not None else None
