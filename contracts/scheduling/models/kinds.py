"""Base classes of requests, replies and the values in both."""

from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request. The business is part of the call's context, never of the request."""


class Reply(Struct, frozen=True, kw_only=True):
    """A reply."""


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A structured value in a request; replies return it unchanged."""
