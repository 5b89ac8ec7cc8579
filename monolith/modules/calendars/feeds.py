"""Private calendar feeds: who may create, see and revoke them, and what an address shows."""

import hashlib
import re
import secrets
from uuid import UUID

from msgspec.structs import asdict

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace
from monolith.modules.auth.api import AuthApi
from monolith.modules.calendars import feed_repository as repository
from monolith.modules.calendars.feed_contents import FeedContents
from monolith.modules.calendars.feed_models import CreateFeed, Feed, NewFeed
from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.endpoints import ApiError, BusinessRef, Principal
from monolith.shared.endpoints.errors import email_unconfirmed, forbidden, not_found, require_session
from monolith.shared.localization import N_

MOST_FEEDS = 100
"""Of one business; and of one customer in a business, a tenth."""
SECRET_PREFIX = "cal_"  # noqa: S105
"""Identifies leaked addresses to secret scanners."""
_SECRET = re.compile(SECRET_PREFIX + r"[A-Za-z0-9_-]{43}")
_STAFF = ("owner", "staff")
_SEE_ALL = (*_STAFF, "reader")


class Feeds:
    """A feed can be read with the secret in its address until it is revoked, or its creator leaves the business.

    Customers see and revoke their own feeds, staff those of providers. All methods may raise DatabaseUnavailable.
    """

    def __init__(self, database: ModuleDatabase, auth: AuthApi, contents: FeedContents, public_url: str) -> None:
        self._database = database
        self._auth = auth
        self._contents = contents
        self._public_url = public_url

    def create(self, business: BusinessRef, principal: Principal, wanted: CreateFeed) -> NewFeed:
        """Create a feed. The caller checks that the provider exists.

        Raises ApiError 403 for API tokens, for an unconfirmed account, and for a provider's feed of a customer; and 409
        if there are too many.
        """
        require_session(principal)
        if wanted.provider_id is not None and principal.role_in(business.business_id) not in _STAFF:
            raise forbidden(N_("Only staff can create the feed of a provider."))
        if not principal.confirmed:
            # Its creator may be a stranger, who would still read the feed when the owner of the address has it.
            raise email_unconfirmed()
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)
        fields = asdict(wanted) | {"created_by": principal.user_id}
        with self._database.transaction(business.business_id) as connection:
            repository.lock_business(connection, business.business_id)
            _require_room(repository.feeds_of(connection, business.business_id), principal, wanted)
            created = repository.insert_feed(connection, business.business_id, new_id(), _hash(secret), fields)
        return NewFeed(
            feed=created,
            url=f"{self._public_url}/calendar.ics?token={secret}",
            free_busy_url=f"{self._public_url}/free-busy.ifb?token={secret}",
        )

    def visible(self, business: BusinessRef, principal: Principal, provider_id: UUID | None = None) -> list[Feed]:
        """Return the caller's own feeds and, for staff, those of all providers; only those of one, if it is given."""
        staff = principal.role_in(business.business_id) in _STAFF
        with self._database.transaction(business.business_id) as connection:
            found = repository.feeds_of(connection, business.business_id)
        shown = [each for each in found if _may_see(each, principal, staff)]
        return [each for each in shown if provider_id in (None, each.provider_id)]

    def revoke(self, business: BusinessRef, principal: Principal, feed_id: UUID) -> None:
        """Revoke a feed immediately. Raises ApiError 404 for one that the caller cannot see."""
        if feed_id not in {each.feed_id for each in self.visible(business, principal)}:
            raise not_found("calendar feed")
        with self._database.transaction(business.business_id) as connection:
            repository.delete_feed(connection, business.business_id, feed_id)

    def calendar(self, secret: str, trace: Trace, deadline: Deadline) -> bytes:
        """Return the calendar of a feed. Raises ApiError 404 for an unknown or revoked secret, and SchedulingError."""
        return self._contents.calendar(*self._read(secret), trace, deadline)

    def free_busy(self, secret: str, trace: Trace, deadline: Deadline) -> bytes:
        """Return the free/busy times of a feed, whatever its detail. Raises as `calendar` does."""
        return self._contents.free_busy(*self._read(secret), trace, deadline)

    def _read(self, secret: str) -> tuple[BusinessRef, Feed]:
        if _SECRET.fullmatch(secret) is None:
            raise not_found("calendar feed")
        with self._database.transaction() as connection:
            found = repository.read_feed(connection, _hash(secret))
        business = None if found is None else self._auth.business(found[0])
        if found is None or business is None or not self._is_allowed(*found):
            raise not_found("calendar feed")
        return business, found[1]

    def _is_allowed(self, business_id: UUID, feed: Feed) -> bool:
        """Return whether the feed's creator may still see what it shows."""
        role = self._auth.role_in(business_id, feed.created_by)
        return role is not None if feed.provider_id is None else role in _SEE_ALL


def _require_room(existing: list[Feed], principal: Principal, wanted: CreateFeed) -> None:
    own = [each for each in existing if each.provider_id is None and each.created_by == principal.user_id]
    providers = [each for each in existing if each.provider_id is not None]
    full = len(own) >= MOST_FEEDS // 10 if wanted.provider_id is None else len(providers) >= MOST_FEEDS
    if full:
        raise ApiError(
            409, "too_many_feeds", N_("There are too many calendar feeds. Revoke one that is no longer in use.")
        )


def _may_see(feed: Feed, principal: Principal, staff: bool) -> bool:
    return staff if feed.provider_id is not None else feed.created_by == principal.user_id


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
