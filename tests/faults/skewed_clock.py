"""Processes whose wall clock is wrong: a library that they load shifts it. Linux with a C compiler only."""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SUPPORTED = sys.platform.startswith("linux") and shutil.which("cc") is not None
_SOURCE = Path(__file__).with_name("skewed_clock.c")


def build_library(folder: Path) -> Path:
    """Compile the library into a folder."""
    library = folder / "skewed_clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True, timeout=60)
    return library


def skewed_by(library: Path, seconds: int) -> dict[str, str]:
    """Return the environment of a process whose clock is ahead by some seconds."""
    return {**_preload(library), "CLOCK_SKEW": str(seconds)}


class AdjustableClock:
    """The clock of the processes that are started with `environment`: right at first, set while they run."""

    def __init__(self, library: Path, file: Path) -> None:
        self._library = library
        self._file = file
        self.set(0)

    @property
    def environment(self) -> Mapping[str, str]:
        return {**_preload(self._library), "CLOCK_SKEW_FILE": str(self._file)}

    def set(self, seconds: int) -> None:
        """Shift the clock by some seconds; 0 sets it right."""
        # In place: the processes have mapped the file.
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, struct.pack("@l", seconds))
        finally:
            os.close(descriptor)


def _preload(library: Path) -> dict[str, str]:
    return {"LD_PRELOAD": " ".join(filter(None, [os.environ.get("LD_PRELOAD"), str(library)]))}
