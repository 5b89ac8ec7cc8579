"""The names of the cookies, and their values in a Cookie header."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CookieNames:
    """The names depend on whether the site uses HTTPS (`secure`).

    Browsers accept a cookie with the prefix `__Host-` only over HTTPS from the host itself, so neither a neighbouring
    subdomain nor an attacker on the network can plant one. Without HTTPS, on the own machine only, there is no prefix.
    Browsers send cookies to every port of a host: an application of its own on another port has another `label`.
    """

    secure: bool
    label: str = ""

    @classmethod
    def of(cls, public_url: str, label: str = "") -> "CookieNames":
        return cls(public_url.startswith("https://"), label)

    @property
    def session(self) -> str:
        return self._prefix + "session"

    @property
    def device(self) -> str:
        return self._prefix + "device"

    @property
    def language(self) -> str:
        return self._prefix + "language"

    @property
    def _prefix(self) -> str:
        return f"{'__Host-' if self.secure else ''}{self.label}"


class CookieReader:
    """Reads the value of one cookie without parsing the others."""

    def __init__(self, name: str) -> None:
        self._pattern = re.compile(rf"(?:^|;)\s*{re.escape(name)}=([^;]*)")

    def __call__(self, header: str) -> str:
        """Return the value of the cookie in a Cookie header; empty if it has none."""
        found = self._pattern.search(header)
        return found[1].strip(' "') if found else ""
