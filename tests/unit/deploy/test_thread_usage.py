"""The use of a processor by a thread, and the time for which it waits for one."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.gunicorn.thread_usage import ThreadUsage, usage_since_last_call


def compute(seconds: float) -> ThreadUsage:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return usage_since_last_call()


def test_each_call_counts_what_its_thread_has_used_since_the_one_before() -> None:
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        assert one.submit(compute, 0.05).result().processor >= 0.05
        assert 0.02 <= one.submit(compute, 0.02).result().processor < 0.05
        assert 0.01 <= other.submit(compute, 0.01).result().processor < 0.05


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts it")
def test_thread_that_shares_its_processor_has_waited_for_it() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    rival = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        usage_since_last_call()
        assert compute(0.1).waited > 0.01
    finally:
        rival.kill()
        rival.wait()
        os.sched_setaffinity(0, allowed)
