"""The client address of a request."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv6Network, ip_address
from typing import Any

from contracts.chassis.settings import Network


def remote_address(environ: Mapping[str, Any], trusted: Sequence[Network]) -> str:
    """Return the peer's address or, behind trusted proxies, the last address in X-Forwarded-For that is not a proxy.

    X-Forwarded-For from other peers is ignored. An IPv6 address is reduced to its /64, the usual size of one household.
    """
    hops = [environ.get("REMOTE_ADDR") or ""]
    if trusted:
        hops = [*environ.get("HTTP_X_FORWARDED_FOR", "").split(","), *hops]
    address = ""
    for hop in reversed(hops):
        parsed = _network_of(hop.strip())
        if parsed is None:
            break
        address = parsed
        if not any(ip_address(hop.strip()) in network for network in trusted):
            break
    return address


@lru_cache(maxsize=4096)
def _network_of(text: str) -> str | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(IPv6Network((int(address), 64), strict=False))
