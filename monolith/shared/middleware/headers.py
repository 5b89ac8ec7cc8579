"""Security headers of all responses."""

_PICTURES = "img-src 'self'"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        _PICTURES,
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


def site_page_headers(headers: list[tuple[str, str]], frames: str, pictures: str) -> list[tuple[str, str]]:
    """Return the headers of a page of a business, with exceptions from the policy, each of which may be empty.

    `frames` are the origins, separated by spaces, whose pages may show it in a frame; `pictures` is the origin from
    which it may load pictures.
    """
    policy = _POLICY.replace(_PICTURES, f"{_PICTURES} {pictures}") if pictures else _POLICY
    return [("Content-Security-Policy", policy + (frames or "'none'")), *headers[1:]]


def data_headers(public_url: str) -> list[tuple[str, str]]:
    """Return the headers of data, a shorter list than that of pages."""
    return [("Content-Security-Policy", _POLICY_OF_DATA), *_common_headers(public_url)]


def _common_headers(public_url: str) -> list[tuple[str, str]]:
    headers = [("X-Content-Type-Options", "nosniff")]
    if public_url.startswith("https://"):
        headers.append(("Strict-Transport-Security", "max-age=31536000"))
    return headers
