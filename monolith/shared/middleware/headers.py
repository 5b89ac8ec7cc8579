"""Security headers of all responses."""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors ",
    )
)


# Data must not run scripts, however a browser displays it.
_POLICY_OF_DATA = "default-src 'none'; frame-ancestors 'none'"


def page_headers(public_url: str) -> list[tuple[str, str]]:
    """Return the headers of pages: no inline code, no foreign sources, no framing; HSTS if HTTPS is used."""
    return [
        ("Content-Security-Policy", f"{_POLICY}'none'"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        *_common_headers(public_url),
    ]


def framed_page_headers(headers: list[tuple[str, str]], origins: str) -> list[tuple[str, str]]:
    """Return the headers of a page that pages of these origins, separated by spaces, may show in a frame."""
    return [("Content-Security-Policy", f"{_POLICY}{origins}"), *headers[1:]]


def data_headers(public_url: str) -> list[tuple[str, str]]:
    """Return the headers of data, a shorter list than that of pages."""
    return [("Content-Security-Policy", _POLICY_OF_DATA), *_common_headers(public_url)]


def _common_headers(public_url: str) -> list[tuple[str, str]]:
    headers = [("X-Content-Type-Options", "nosniff")]
    if public_url.startswith("https://"):
        headers.append(("Strict-Transport-Security", "max-age=31536000"))
    return headers
