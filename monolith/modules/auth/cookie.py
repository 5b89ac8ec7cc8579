"""The session cookie."""

from dataclasses import dataclass

from monolith.shared.endpoints.authorizer import SESSION_COOKIE

_SECONDS = 14 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """Sets and clears the cookie, which is HttpOnly, SameSite=Lax and, if `secure`, sent over HTTPS only."""

    secure: bool

    def set(self, secret: str) -> tuple[str, str]:
        """Return the header that sets the cookie."""
        return self._header(secret, _SECONDS)

    def clear(self) -> tuple[str, str]:
        """Return the header that deletes the cookie."""
        return self._header("", 0)

    def _header(self, value: str, seconds: int) -> tuple[str, str]:
        attributes = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax" + ("; Secure" if self.secure else "")
        return "Set-Cookie", f"{SESSION_COOKIE}={value}; {attributes}"
