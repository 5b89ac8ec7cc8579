"""A clock that is wrong, for one web process."""

import os
from collections.abc import Mapping
from pathlib import Path

_LIBRARIES = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
)
SKEW = "+300s"


def skewed_clock() -> Mapping[str, str]:
    """Return the environment of a process whose clock is five minutes ahead; empty without libfaketime."""
    found = [path for pattern in _LIBRARIES for path in Path("/").glob(pattern.lstrip("/"))]
    if not found:
        return {}
    # Monotonic clocks stay true: a skewed clock does not run faster.
    return {
        "LD_PRELOAD": " ".join(filter(None, [os.environ.get("LD_PRELOAD"), str(found[0])])),
        "FAKETIME": SKEW,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
