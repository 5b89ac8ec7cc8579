"""One keep-alive connection, cheap enough that a process asks hundreds of times a second beside what it measures."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from deploy.errors import CommandError

LARGEST = 1_000_000
REUSED_SECONDS = 2.0
"""A server closes a connection that was idle for long, perhaps at the moment when it is used again."""


class TrafficResponse(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class ResponseLost(Exception):
    """No whole answer came: nobody knows what was done."""


class KeepAliveConnection:
    """Connects when asked, and anew after it was lost. One request at a time."""

    def __init__(self, host: str, port: int, headers: Mapping[str, str]) -> None:
        self._address = (host, port)
        self._head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": f"{host}:{port}", **headers}.items())
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used = 0.0

    async def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, *, seconds: float
    ) -> TrafficResponse:
        """Within `seconds` in all. Raises Lost."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(method, path, body, headers or {})
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            self.close()
            raise ResponseLost(type(error).__name__) from error

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _ask(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> TrafficResponse:
        if time.monotonic() - self._used > REUSED_SECONDS:
            self.close()
        self._used = time.monotonic()
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        payload = b"" if body is None else json.dumps(body).encode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if body is not None:
            lines += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
        writer.write(f"{method} {path} HTTP/1.1\r\n{self._head}{lines}\r\n".encode() + payload)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        length = int(fields.get(b"content-length", b"0"))
        if length > LARGEST:
            raise CommandError(f"{path} was answered with {length} bytes")
        answer = TrafficResponse(status, await reader.readexactly(length))
        if fields.get(b"connection") == b"close":
            self.close()
        return answer
