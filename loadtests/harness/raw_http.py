"""Rendering of HTTP/1.1 requests, for clients whose own cost must stay small next to the server's."""

from collections.abc import Mapping


def render_request(method: str, path: str, *, host: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return the bytes of a request; a body is declared as JSON."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
