"""The business's own data: name, time zone, contact and description; closing and reopening."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace
from contracts.chassis.values import Name, Note, ZoneName, require_zone
from monolith.modules.auth.customer_models import Phone
from monolith.modules.auth.models import Body, BusinessProfile, Email, business_reply
from monolith.modules.auth.repository import businesses, memberships
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import Access, AnyEndpoint, BusinessRef, Call, Endpoint
from monolith.shared.endpoints.errors import business_not_found, forbidden
from monolith.shared.localization import Language

UpdateScheduling: TypeAlias = Callable[[BusinessRef, Trace, Deadline], None]
"""Sends the name and the zone of a business to scheduling. Raises the errors of scheduling."""

PictureUrl = Annotated[
    str, Meta(max_length=500, pattern=r'^(https://[^\s<>"]+)?$(?!\n)', description="An https address, or empty.")
]
Description = Annotated[
    str, Meta(max_length=2000, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]*$(?!\n)", description="Plain text.")
]

_ORIGIN = r"https?://[a-z0-9.-]{1,100}(:[0-9]{1,5})?"
EmbeddingSites = Annotated[
    str,
    Meta(
        max_length=1000,
        pattern=rf"^({_ORIGIN}( {_ORIGIN})*)?$(?!\n)",
        description="Origins like `https://www.example.com`, in lower case, separated by single spaces; or empty.",
    ),
]


class ChangeBusiness(Body, frozen=True):
    """Changes the fields that are sent. Empty text removes a value."""

    name: Name | UnsetType = UNSET
    zone: ZoneName | UnsetType = UNSET
    """IANA time zone of the days of the business. Appointments keep their time, and providers their own zone."""
    email: Email | UnsetType | None = UNSET
    """For customers, and for the notices to the business. Null removes it."""
    phone: Phone | UnsetType = UNSET
    address: Note | UnsetType = UNSET
    opening_hours: Note | UnsetType = UNSET
    """For customers to read. What can be booked follows from the hours of the providers."""
    picture_url: PictureUrl | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    fixed_zone: bool | UnsetType = UNSET
    """Whether the booking site shows all times in the zone of the business, such as for services on site."""
    embedding_sites: EmbeddingSites | UnsetType = UNSET
    """The sites that may show the booking site in a frame."""
    language: Language | UnsetType = UNSET
    """Language of pages and mails for people whose own language is not known."""

    def __post_init__(self) -> None:
        if self.zone is not UNSET:
            require_zone(self.zone)


class BusinessProfiles:
    """Changes businesses. May raise DatabaseUnavailable."""

    def __init__(self, database: ModuleDatabase, update_scheduling: UpdateScheduling) -> None:
        self._database = database
        self._update_scheduling = update_scheduling

    def change(self, business: BusinessRef, wanted: ChangeBusiness, trace: Trace, deadline: Deadline) -> BusinessRef:
        """Change the given fields; name and zone in scheduling first. Repeat it after an error: it is idempotent."""
        current = self._read(business)
        given: dict[str, Any] = {
            name: "" if value is None else value
            for name, value in msgspec.structs.asdict(wanted).items()
            if value is not UNSET
        }
        own: dict[str, Any] = {name: given.pop(name) for name in ("name", "zone") if name in given}
        changed = replace(current, **own, details=replace(current.details, **given))
        if own:
            self._update_scheduling(changed, trace, deadline)
        with self._database.transaction() as connection:
            businesses.change(connection, changed)
        return changed

    def set_closed(self, business: BusinessRef, closed: bool) -> BusinessRef:
        """Close the business to new bookings, or reopen it. Idempotent. Existing appointments remain.

        Raises ApiError 403 if the last owner has deleted the account since: only a closed business is left behind.
        """
        with self._database.transaction() as connection:
            memberships.lock(connection, business.business_id)
            if not closed and not memberships.has_owner(connection, business.business_id):
                raise forbidden()
            businesses.set_closed(connection, business.business_id, closed)
        return self._read(business)

    def _read(self, business: BusinessRef) -> BusinessRef:
        found = self._database.query(lambda connection: businesses.by_id(connection, business.business_id))
        if found is None:
            raise business_not_found(business.slug)
        return found


def profile_endpoints(profiles: BusinessProfiles) -> list[AnyEndpoint]:
    path = "/businesses/{slug}"

    def change(call: Call[ChangeBusiness]) -> BusinessProfile:
        return business_reply(profiles.change(call.require_business(), call.body, call.trace, call.deadline))

    def close(call: Call[None]) -> BusinessProfile:
        return business_reply(profiles.set_closed(call.require_business(), True))

    def reopen(call: Call[None]) -> BusinessProfile:
        return business_reply(profiles.set_closed(call.require_business(), False))

    return [
        Endpoint(
            module="auth", name="change_business", method="PATCH", path=path, access=Access.OWNER, handler=change,
            body=ChangeBusiness, reply=BusinessProfile,
            summary="Change the business's own data; fields that are left out keep their values",
        ),
        Endpoint(
            module="auth", name="close_business", method="POST", path=path + "/close", access=Access.OWNER,
            handler=close, reply=BusinessProfile,
            summary="Close the business to new bookings; existing appointments remain",
        ),
        Endpoint(
            module="auth", name="reopen_business", method="POST", path=path + "/reopen", access=Access.OWNER,
            handler=reopen, reply=BusinessProfile, summary="Take new bookings again",
        ),
    ]  # fmt: skip
