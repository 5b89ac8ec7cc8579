"""Page cursors: the sort key of a page's last row, a moment and an id, as opaque text."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from contracts.scheduling.errors import InvalidRequest


def encode_cursor(moment: datetime, last_id: UUID) -> str:
    micros = int(moment.timestamp()) * 1_000_000 + moment.microsecond
    return base64.urlsafe_b64encode(msgspec.json.encode((micros, last_id))).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Raise InvalidRequest for a malformed cursor."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        micros, last_id = msgspec.json.decode(raw, type=tuple[int, UUID])
        return datetime.fromtimestamp(micros / 1_000_000, UTC), last_id
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidRequest("This cursor was not returned by a previous page.", field="cursor") from error
