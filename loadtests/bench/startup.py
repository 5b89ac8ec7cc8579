"""cold_start_s and warm_start_s: time from `make demo` in a bare clone to the first page; first and later starts."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.devstack.environment import inherited
from deploy.devstack.ports import free_ports
from deploy.devstack.program import ROOT, http_check
from deploy.devstack.settings import DEFAULT_PORTS
from deploy.errors import CommandError
from loadtests.bench.figures import Figure, duration_figure

TIMEOUT_SECONDS = 600.0
STOP_SECONDS = 60.0
WARM_STARTS = 3


def measure(quick: bool) -> dict[str, Figure]:
    """Start a clone of the committed tree in a temporary folder, on free ports, with this machine's pip cache."""
    with tempfile.TemporaryDirectory(prefix="extraction-start-", ignore_cleanup_errors=True) as folder:
        # Give it the permissions of an ordinary working folder.
        Path(folder).chmod(0o755)
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
        environment = {
            **{name: value for name, value in inherited().items() if not name.startswith(("VIRTUAL_ENV", "MAKE"))},
            **{name: str(port) for name, port in free_ports(DEFAULT_PORTS).items()},
        }
        cold = _start(clone, environment)
        warm = [_start(clone, environment) for _ in range(1 if quick else WARM_STARTS)]
    return {"cold_start_s": duration_figure([cold]), "warm_start_s": duration_figure(warm)}


def _start(clone: Path, environment: dict[str, str]) -> float:
    began = time.monotonic()
    with _demo(clone, environment) as demo:
        first_page = http_check(int(environment["MONOLITH_PORT"]), "/")
        while not first_page():
            if demo.poll() is not None or time.monotonic() - began > TIMEOUT_SECONDS:
                raise CommandError(f"`make demo` in a bare clone served no page: {_last_output(clone)}")
            time.sleep(0.02)
        return time.monotonic() - began


@contextlib.contextmanager
def _demo(clone: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `make demo` within the block; stop it as Ctrl-C in a terminal does, by SIGINT to the whole process group."""
    with _output_file(clone).open("wb") as output:
        demo = subprocess.Popen(
            ["make", "demo"],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield demo
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(demo.pid, signal.SIGINT)
            demo.wait(STOP_SECONDS)


def _output_file(clone: Path) -> Path:
    return clone.parent / "demo.log"


def _last_output(clone: Path) -> str:
    return " | ".join(_output_file(clone).read_text(errors="replace").strip().splitlines()[-3:])
