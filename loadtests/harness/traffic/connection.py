"""An asynchronous keep-alive connection, cheap enough for hundreds of requests a second next to the measured server."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from deploy.errors import CommandError
from loadtests.harness.raw_http import render_request

MAX_RESPONSE_BYTES = 1_000_000
MAX_IDLE_SECONDS = 2.0
"""A server closes idle connections, possibly just as one is reused; after this long, open a new one."""


class TrafficResponse(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class ResponseLost(Exception):
    """No complete response arrived, so the outcome of the request is unknown."""


class KeepAliveConnection:
    """Connects on the first request and again after a loss. One request at a time."""

    def __init__(self, host: str, port: int, headers: Mapping[str, str]) -> None:
        self._address = (host, port)
        self._headers = headers
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used = 0.0

    async def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, *, seconds: float
    ) -> TrafficResponse:
        """Return the response within `seconds`. Raises ResponseLost."""
        try:
            async with asyncio.timeout(seconds):
                return await self._request(method, path, body, headers or {})
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            self.close()
            raise ResponseLost(type(error).__name__) from error

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _request(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> TrafficResponse:
        if time.monotonic() - self._used > MAX_IDLE_SECONDS:
            self.close()
        self._used = time.monotonic()
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        host, payload = "{}:{}".format(*self._address), b"" if body is None else json.dumps(body).encode()
        writer.write(render_request(method, path, host=host, headers={**self._headers, **headers}, body=payload))
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        length = int(fields.get(b"content-length", b"0"))
        if length > MAX_RESPONSE_BYTES:
            raise CommandError(f"the response to {path} has {length} bytes, more than {MAX_RESPONSE_BYTES}")
        answer = TrafficResponse(status, await reader.readexactly(length))
        if fields.get(b"connection") == b"close":
            self.close()
        return answer
