"""What every request and reply is."""

from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller asks. Which business is meant is in the call's context, never in the request."""


class Reply(Struct, frozen=True, kw_only=True):
    """What scheduling answers."""


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a request that has parts itself; replies carry it as it was given."""
