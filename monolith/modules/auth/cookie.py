"""The cookies of the product: the session, the device on which it began, and the chosen language."""

from monolith.modules.auth import devices
from monolith.modules.auth.sessions import NewSession
from monolith.shared.endpoints.cookies import CookieNames
from monolith.shared.localization import Language

_SESSION_SECONDS = 14 * 24 * 60 * 60
_LANGUAGE_SECONDS = 365 * 24 * 60 * 60


class Cookies:
    """Sets and clears the cookies: HttpOnly, SameSite=Lax and, if the site uses HTTPS, Secure and bound to the host."""

    def __init__(self, names: CookieNames) -> None:
        self._names = names
        self._attributes = "HttpOnly; SameSite=Lax" + ("; Secure" if names.secure else "")

    def signed_in(self, session: NewSession) -> list[tuple[str, str]]:
        """Return the headers that make the browser send the session."""
        return [
            self._header(self._names.session, session.secret, _SESSION_SECONDS),
            self.device(session.device),
        ]

    def device(self, cookie: str) -> tuple[str, str]:
        """Return the header that makes the browser send the cookie of its device."""
        return self._header(self._names.device, cookie, devices.SECONDS)

    def signed_out(self) -> tuple[str, str]:
        """Return the header that deletes the session's cookie. The device stays known."""
        return self._header(self._names.session, "", 0)

    def language(self, code: Language) -> tuple[str, str]:
        """Return the header that makes the browser send the chosen language, for a year."""
        return self._header(self._names.language, code, _LANGUAGE_SECONDS)

    def _header(self, name: str, value: str, seconds: int) -> tuple[str, str]:
        return "Set-Cookie", f"{name}={value}; Path=/; Max-Age={seconds}; {self._attributes}"
