"""A minimal HTTP server that can stall, for the generator's self-test: `python -m loadtests.generator.stub_server`.

Prints its port, and exits at the end of its standard input.
"""

import argparse
import asyncio
import os
import sys
import time

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class _Responder(asyncio.Protocol):
    """Sends one response per request; a request ends with an empty line and has no body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._incomplete = b""

    def data_received(self, data: bytes) -> None:
        *complete, self._incomplete = (self._incomplete + data).split(b"\r\n\r\n")
        self._transport.write(RESPONSE * len(complete))


async def _serve(stall: float, every: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Responder, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    ended = loop.run_in_executor(None, sys.stdin.buffer.read)
    while not ended.done():
        await asyncio.wait([ended], timeout=(every - stall) if stall else 1.0)
        if stall and not ended.done():
            # Deliberately blocks the event loop.
            time.sleep(stall)


def main() -> None:
    """Serve; with `--stall`, do not respond for that many of every `--every` seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stall", type=float, default=0.0)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--core", type=int, help="pin the server to this processor core")
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    asyncio.run(_serve(options.stall, options.every))


if __name__ == "__main__":
    main()
