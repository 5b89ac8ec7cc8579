"""Which URLs and which addresses may be requested."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from contracts.chassis.settings import Network
from monolith.shared.localization import N_

LONGEST_URL = 2000
_NAT64 = IPv6Network("64:ff9b::/96")
_NEVER = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("64:ff9b:1::/48"))
"""Reserved for protocols; versions of Python differ about them."""


class AddressRefused(ValueError):
    """A URL or an address that must not be requested; the message is for the user who entered it."""


def checked_url(text: str) -> str:
    """Return a URL in the form in which it is requested; `webcal` becomes `https`. Raises AddressRefused.

    The addresses of its host are checked when it is requested.
    """
    url = text.strip()
    if url.lower().startswith("webcal://"):
        url = "https://" + url[len("webcal://") :]
    parts_of(url)
    return url


def parts_of(url: str) -> SplitResult:
    """Split an allowed URL. Raises AddressRefused."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused(f"A web address has at most {LONGEST_URL} ASCII characters and no spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused(N_("The web address is malformed.")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise AddressRefused(N_("The web address must begin with https:// or http:// and a host."))
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(N_("The web address must not contain a user name or a password."))
    return parts


class AddressRule:
    """Allows public addresses, and those in `allowed` networks."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def require_allowed(self, address: str) -> None:
        """Raise AddressRefused for an address that must not be requested."""
        found = ip_address(address.partition("%")[0])
        if any(found in network for network in self._allowed):
            return
        if not _is_public(found):
            raise AddressRefused(N_("The host does not have a public address."))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is reachable from everywhere, and so is the IPv4 address that it may contain."""
    if any(address in network for network in _NEVER):
        return False
    if isinstance(address, IPv6Address):
        if address.teredo is not None:
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(address.packed[-4:])
        if inner is not None:
            return _is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved
