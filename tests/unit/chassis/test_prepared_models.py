"""Threads that use a model for the first time at the same moment."""

import subprocess
import sys

import pytest

MODELS = 400
USED_BY_THREADS_AT_ONCE = f"""
import sys, threading
from datetime import datetime
from typing import Annotated
import msgspec
from contracts.chassis.prepared_models import prepare_models
from contracts.chassis.settings import load_or_exit

def model_with_fields():
    class Inner(msgspec.Struct):
        text: Annotated[str, msgspec.Meta(max_length=50)]
    class Outer(msgspec.Struct):
        key: Annotated[str, msgspec.Meta(pattern="^[a-z]+$")]
        inner: list[Inner]
        counts: dict[str, Annotated[int, msgspec.Meta(ge=0)]] | None = None
        at: datetime | None = None
    Outer.__annotations__["inner"] = list[Inner]
    return Outer

def use(model, together):
    together.wait()
    for _ in range(3):
        msgspec.convert({{"key": "a", "inner": [{{"text": "b"}}], "counts": {{"c": 1}}}}, model)

models = [model_with_fields() for _ in range({MODELS})]
START
sys.setswitchinterval(1e-6)
for model in models:
    together = threading.Barrier(4)
    threads = [threading.Thread(target=use, args=(model, together)) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


@pytest.mark.parametrize("start", ["prepare_models()", "load_or_exit('a process', dict, {})"])
def test_models_can_be_used_by_threads_at_once_after_the_start_of_a_process(start: str) -> None:
    program = USED_BY_THREADS_AT_ONCE.replace("START", start)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
