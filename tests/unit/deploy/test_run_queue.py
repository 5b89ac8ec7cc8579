"""The time for which a thread waits for a processor."""

import os
import subprocess
import sys
import time

import pytest

from deploy.gunicorn.run_queue import seconds_in_run_queue


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts it")
def test_thread_that_shares_its_processor_has_waited_for_it() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    rival = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        before, until = seconds_in_run_queue(), time.thread_time() + 0.1
        while time.thread_time() < until:
            pass
        assert seconds_in_run_queue() - before > 0.01
    finally:
        rival.kill()
        rival.wait()
        os.sched_setaffinity(0, allowed)
