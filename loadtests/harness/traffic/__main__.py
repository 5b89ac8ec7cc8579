"""`python -m loadtests.harness.traffic PLAN RECORDS`: run one traffic process from a JSON plan until SIGTERM or SIGINT.

Appends one JSON object per request to RECORDS.
"""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from loadtests.harness.traffic.open_loop import TrafficPlan, TrafficRecord, run_traffic


async def _main(plan: TrafficPlan, records: Path) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    encode = msgspec.json.Encoder().encode
    with records.open("wb", buffering=1 << 16) as file:

        def append(record: TrafficRecord) -> None:
            file.write(encode(record) + b"\n")

        await run_traffic(plan, append, stopped)


if __name__ == "__main__":
    asyncio.run(_main(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=TrafficPlan), Path(sys.argv[2])))
