"""Names and limits of the HTTP APIs of both deployables."""

from typing import Final

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
IDEMPOTENCY_KEY_PATTERN: Final = r"^[\x21-\x7e]{1,200}$"
"""Visible ASCII, as in draft-ietf-httpapi-idempotency-key-header."""

PRIORITY: Final = "Priority"
SHADOW_PRIORITY: Final = "u=7"
"""The value of `Priority` (RFC 9218) on shadow reads: background work."""

JSON_TYPE: Final = "application/json"
PROBLEM_TYPE: Final = "application/problem+json"

MAX_REQUEST_BYTES: Final = 64 * 1024
