"""idle_cpu_share: processor time of the whole unused demo, as a share of one core."""

import tempfile
import time
from collections import defaultdict
from pathlib import Path

import psutil

from deploy.devstack.environment import inherited
from deploy.devstack.ports import free_ports
from deploy.devstack.program import Program, http_check
from deploy.devstack.settings import DEFAULT_PORTS
from loadtests.bench.figures import Figure
from loadtests.bench.output import echo
from loadtests.harness.process_tree import process_tree

SETTLE_SECONDS = 20.0
SHOWN_SHARE = 0.0002


def measure(seconds: float) -> dict[str, Figure]:
    """Start the demo, let its demo data settle, and measure for `seconds`; prints the share of each process."""
    with tempfile.TemporaryDirectory(prefix="extraction-idle-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        ports = free_ports(DEFAULT_PORTS)
        environment = {**inherited(), **{setting: str(port) for setting, port in ports.items()}, "DATA_DIR": name}
        is_ready = http_check(ports["MONOLITH_PORT"], "/b/harbour-barbers")
        demo = Program(
            "demo", ["-m", "deploy.cli.main", "demo"], environment, log=folder / "demo.log", is_ready=is_ready
        )
        demo.start_seconds, demo.stop_seconds = 120.0, 60.0
        with demo:
            assert demo.pid is not None
            time.sleep(SETTLE_SECONDS)
            before = _cpu_by_process(demo.pid)
            began = time.monotonic()
            time.sleep(seconds)
            taken = time.monotonic() - began
            after = _cpu_by_process(demo.pid)
    shares = {name: (after[name] - before.get(name, 0.0)) / taken for name in after}
    for process, share in sorted(shares.items(), key=lambda item: -item[1]):
        if share > SHOWN_SHARE:
            echo(f"{process:<40} {share:.2%} of a core")
    total = sum(shares.values())
    return {"idle_cpu_share": Figure(total, "core", 1, total, total)}


def _cpu_by_process(pid: int) -> dict[str, float]:
    """Processor seconds of the process tree, by what each process runs."""
    found: dict[str, float] = defaultdict(float)
    for process in process_tree(pid):
        try:
            times, command = process.cpu_times(), process.cmdline()  # type: ignore[no-untyped-call]
        except psutil.NoSuchProcess:
            continue
        found[_label(command)] += float(times.user + times.system)
    return found


def _label(command: list[str]) -> str:
    """A short name for a command line: the Python module or application, or the server program."""
    if not command:
        return "unknown"
    words = [word for word in command[1:] if not word.startswith("-")]
    if command[0].startswith("postgres:"):
        return "postgres"
    if "-m" in command:
        module = command[command.index("-m") + 1]
        return f"{module} {words[-1]}" if module == "gunicorn" else module
    return Path(command[0]).name
