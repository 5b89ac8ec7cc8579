"""The host of a picture that a page shows, for its content security policy."""

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"[a-z0-9.-]+(:[0-9]+)?", re.IGNORECASE)


def origin_of(url: str) -> str:
    """Return the origin of an address that begins with https, or an empty string for any other text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"https://{parts.netloc}" if parts.scheme == "https" and _HOST.fullmatch(parts.netloc) else ""
