"""Pinning of running processes, with every thread and every child."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.harness.cores import choose_cores
from loadtests.harness.process_tree import process_tree
from tests.polling import eventually

PROGRAM = """
import subprocess, sys, threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("both run", flush=True)
sys.stdin.readline()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("one more runs", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(choose_cores().server is None, reason="this machine has only one core")
def test_running_process_is_pinned_with_threads_children_and_later_ones() -> None:
    cores = choose_cores()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            assert process.stdout.readline() == "both run\n"
            cores.pin_servers([process.pid])
            assert _cores_of(process.pid) == [{cores.server}] * 3
            process.stdin.write("go on\n")
            process.stdin.flush()
            assert process.stdout.readline() == "one more runs\n"
            eventually(lambda: _cores_of(process.pid) == [{cores.server}] * 4)
        finally:
            for each in reversed(process_tree(process.pid)):
                os.kill(each.pid, signal.SIGKILL)


def _cores_of(pid: int) -> list[set[int]]:
    tasks = [task for each in process_tree(pid) for task in Path(f"/proc/{each.pid}/task").iterdir()]
    return [os.sched_getaffinity(int(task.name)) for task in tasks]
