"""Strict decoding of requests. Invalid input raises ApiError 400 with the path of the field at fault."""

from typing import Any, TypeVar

from msgspec import Struct

from contracts.chassis import decoding
from contracts.chassis.decoding import InvalidInput
from monolith.shared.endpoints.errors import ApiError, invalid_request

T = TypeVar("T")
Q = TypeVar("Q", bound=Struct)


def decode_body(body: bytes, model: type[T]) -> T:
    """Decode a JSON object to a model. Raises ApiError 400."""
    try:
        return decoding.convert(decoding.decode_object(body), model)
    except InvalidInput as error:
        raise _api_error(error) from error


def decode_query(text: str, model: type[Struct] | None = None) -> dict[str, str]:
    """Parse a query string. A list may be repeated, or separated by commas.

    Raises ApiError 400 for another repeated parameter, or for more than 50.
    """
    try:
        return decoding.parse_query(text, frozenset() if model is None else decoding.list_fields(model))
    except InvalidInput as error:
        raise _api_error(error) from error


def convert(value: Any, model: type[T]) -> T:
    """Convert a value of plain JSON types to a model. Raises ApiError 400."""
    try:
        return decoding.convert(value, model)
    except InvalidInput as error:
        raise _api_error(error) from error


def convert_query(query: dict[str, str], model: type[Q]) -> Q:
    """Convert a query to a model. Raises ApiError 400."""
    try:
        return decoding.convert_query(query, model)
    except InvalidInput as error:
        raise _api_error(error) from error


def require_key(key: str | None) -> str:
    """Return the idempotency key. Raises ApiError 400 unless it consists of 1 to 200 visible ASCII characters."""
    try:
        return decoding.require_key(key)
    except InvalidInput as error:
        raise _api_error(error) from error


def _api_error(error: InvalidInput) -> ApiError:
    return invalid_request(error.message, error.field)
