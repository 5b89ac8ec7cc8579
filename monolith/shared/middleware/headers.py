"""Headers of every answer: what a browser may do with it."""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


# What is no document runs nothing, wherever a browser is made to show it.
_POLICY_OF_DATA = "default-src 'none'; frame-ancestors 'none'"


def page_headers(public_url: str) -> list[tuple[str, str]]:
    """Nothing inline, nothing from elsewhere, no framing; HTTPS for a year where it is used at all."""
    return [
        ("Content-Security-Policy", _POLICY),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        *_everywhere(public_url),
    ]


def data_headers(public_url: str) -> list[tuple[str, str]]:
    """For answers that are data: a page's headers would cost every answer, and mean nothing there."""
    return [("Content-Security-Policy", _POLICY_OF_DATA), *_everywhere(public_url)]


def _everywhere(public_url: str) -> list[tuple[str, str]]:
    headers = [("X-Content-Type-Options", "nosniff")]
    if public_url.startswith("https://"):
        headers.append(("Strict-Transport-Security", "max-age=31536000"))
    return headers
