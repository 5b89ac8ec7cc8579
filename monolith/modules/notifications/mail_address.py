"""E-mail addresses as SMTP and headers write them."""

import re

_DOTTED = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+")


def mail_address(address: str) -> str:
    """Return an address as SMTP and headers write it: dots that RFC 5321 does not allow as such are quoted.

    Some providers have issued such addresses, and the forms accept them.
    """
    local, _, domain = address.rpartition("@")
    return f'"{local}"@{domain}' if _DOTTED.fullmatch(local) and "" in local.split(".") else address
