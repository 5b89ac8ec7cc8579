"""Hosts that may be reached without TLS: this machine, and those that the setting PLAINTEXT_HOSTS lists."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address

SETTING = "PLAINTEXT_HOSTS"
ALL = "*"


def first_refused(environment: Mapping[str, str], hosts: Iterable[str]) -> str | None:
    """Return the first of the hosts that must not be reached without TLS; None if all may be."""
    listed = {entry.strip().lower() for entry in environment.get(SETTING, "").split(",")}
    if ALL in listed:
        return None
    return next((host for host in hosts if host.lower() not in listed and not is_this_machine(host)), None)


def is_this_machine(host: str) -> bool:
    """Return whether connections to the host do not leave this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
