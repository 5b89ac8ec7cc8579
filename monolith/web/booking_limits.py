"""Rate limits on bookings, by the origin of the current request."""

from collections.abc import Sequence
from uuid import UUID

from flask import has_request_context, request

from contracts.chassis.settings import Network
from monolith.modules.auth.devices import Devices
from monolith.modules.scheduling.parts import PortDecorator
from monolith.modules.scheduling.rate_limits import Caller, RateLimitedScheduling
from monolith.shared.endpoints.cookies import CookieNames, CookieReader
from monolith.shared.middleware.remote_address import remote_address
from monolith.shared.middleware.request_context import current_request_context
from monolith.shared.rate_limits.shared_buckets import SharedBuckets


def booking_limits(
    redis_url: str | None, trusted_proxies: Sequence[Network], public_url: str, cookie_secrets: Sequence[str]
) -> list[PortDecorator]:
    """Return the decorator that limits bookings, counted in this Redis; none without one.

    `cookie_secrets` are those of `auth.build_auth`, whose device cookies it recognizes.
    """
    if redis_url is None:
        return []
    buckets = SharedBuckets(redis_url)
    callers = Callers(trusted_proxies, CookieNames.of(public_url), Devices(cookie_secrets))
    return [lambda port: RateLimitedScheduling(port, buckets, callers.current)]


class Callers:
    """Finds the origin of the current request."""

    def __init__(self, trusted_proxies: Sequence[Network], cookies: CookieNames, devices: Devices) -> None:
        self._trusted_proxies = trusted_proxies
        self._device_cookie = CookieReader(cookies.device)
        self._devices = devices

    def current(self, user_id: UUID) -> Caller | None:
        """Return the caller, whose account is `user_id`; None outside of a request."""
        if not has_request_context():
            return None
        return Caller(remote_address(request.environ, self._trusted_proxies), self._known_device(user_id))

    def _known_device(self, user_id: UUID) -> str | None:
        # Anyone can make accounts, and so devices, but confirming an address takes a mailbox.
        if not current_request_context().confirmed:
            return None
        device = self._devices.recognize(self._device_cookie(request.environ.get("HTTP_COOKIE", "")))
        # Counted by account: whoever signs in again and again has as many devices as they like.
        return user_id.hex if device is not None and device.user_id == user_id else None
