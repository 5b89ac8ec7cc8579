"""Request and reply models of imports. Requests reject unknown fields."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from contracts.chassis.values import Name
from monolith.shared.outbound import checked_url

LONGEST_FILE = 60_000
"""In characters. A request has at most 64 KiB."""


class CreateImport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The times of a calendar that block a provider: either its address or its content."""

    provider_id: UUID
    """The provider who is busy at these times."""
    name: Name = "Calendar"
    """A name for the calendar, shown as the reason of the blocked times."""
    url: str | None = None
    """The address of an .ics file, which is read every hour. `webcal` means `https`."""
    content: Annotated[str, Meta(max_length=LONGEST_FILE)] | None = None
    """The content of an .ics file."""

    def __post_init__(self) -> None:
        if (self.url is None) == (self.content is None):
            raise ValueError("either `url` or `content` must be given")
        if self.url is not None:
            checked_url(self.url)
        if self.content is not None and "\0" in self.content:
            raise ValueError("`content` is not a calendar file")


class BusyImport(Struct, frozen=True, kw_only=True):
    """A calendar whose busy times block a provider."""

    import_id: UUID
    """The id of the import."""
    provider_id: UUID
    """The provider who is busy at these times."""
    name: str
    """The name of the calendar."""
    source: str
    """The host of its address, or `file`. The whole address may be a secret, and is not returned."""
    created_at: datetime
    """When it was created."""
    last_success_at: datetime | None
    """When the calendar was last read."""
    busy_times: int
    """The number of blocked times, in the next 120 days."""
    problem: str | None
    """Why the last reading failed; blocked times stay as they are."""


class BusyImportList(Struct, frozen=True, kw_only=True):
    """Imports, in the order of their creation."""

    imports: tuple[BusyImport, ...]
    """The imports."""
