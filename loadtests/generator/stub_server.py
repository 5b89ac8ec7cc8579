"""A minimal HTTP server that can stall, for the generator's self-test: `python -m loadtests.generator.stub_server`.

Says its port on its output, and ends when its input does.
"""

import argparse
import asyncio
import os
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class _Answering(asyncio.Protocol):
    """One answer for each request; a request is whatever ends in an empty line and has no body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._left = b""

    def data_received(self, data: bytes) -> None:
        *whole, self._left = (self._left + data).split(b"\r\n\r\n")
        self._transport.write(ANSWER * len(whole))


async def _serve(stall: float, every: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answering, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    ended = loop.run_in_executor(None, sys.stdin.buffer.read)
    while not ended.done():
        await asyncio.wait([ended], timeout=(every - stall) if stall else 1.0)
        if stall and not ended.done():
            # Nobody is answered meanwhile, and that is the point.
            time.sleep(stall)


def main() -> None:
    """`--stall` seconds in `--every` seconds it answers nobody."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stall", type=float, default=0.0)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--core", type=int, help="stay on this processor core")
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    asyncio.run(_serve(options.stall, options.every))


if __name__ == "__main__":
    main()
