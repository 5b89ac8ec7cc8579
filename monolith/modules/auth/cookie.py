"""The cookie that carries a session's secret."""

from dataclasses import dataclass

from monolith.shared.endpoints.authorizer import SESSION_COOKIE

_SECONDS = 14 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """No script reads it, no other site makes a browser send it with a write; over HTTPS only, where there is HTTPS."""

    secure: bool

    def set(self, secret: str) -> tuple[str, str]:
        """The header that gives it to the browser."""
        return self._header(secret, _SECONDS)

    def clear(self) -> tuple[str, str]:
        """The header that takes it away."""
        return self._header("", 0)

    def _header(self, value: str, seconds: int) -> tuple[str, str]:
        attributes = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax" + ("; Secure" if self.secure else "")
        return "Set-Cookie", f"{SESSION_COOKIE}={value}; {attributes}"
