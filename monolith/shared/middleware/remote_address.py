"""Which address a request came from."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

Network = IPv4Network | IPv6Network


def remote_address(environ: Mapping[str, Any], trusted: Sequence[Network]) -> str:
    """The peer's address; or, when the peer is a trusted proxy, the last one in X-Forwarded-For that is not.

    What anybody else writes into X-Forwarded-For is ignored. An IPv6 address stands for its /64, which is what one
    household has.
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
