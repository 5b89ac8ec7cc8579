"""Garbage collection in the web processes, in an interpreter of its own: collection settings are global."""

import json
import subprocess
import sys

import pytest

from tests.servers import ROOT

_DECODE_A_LONG_REPLY = """
import gc, json
from datetime import UTC, datetime, timedelta
from uuid import UUID
from contracts.scheduling import codec, models as m
from contracts.scheduling.operations import operation_of
from contracts.scheduling.port import SchedulingPort
from deploy.gunicorn import {module}

opening = datetime(2035, 3, 5, 9, tzinfo=UTC)
slot = m.Slot(provider_id=UUID(int=1), starts_at=opening, ends_at=opening + timedelta(minutes=30))
body = codec.encode_reply(m.Slots(zone="UTC", slots=(slot,) * 24_800))
{module}.post_worker_init(None)
visited, collections = len(gc.get_objects()), []
gc.callbacks.append(lambda phase, info: collections.append((phase, info["generation"])))
reply = codec.decode_reply(operation_of(SchedulingPort.search_slots), body)
print(json.dumps([gc.get_freeze_count(), visited, collections.count(("start", 2)), len(reply.slots)]))
"""


@pytest.mark.parametrize("module", ["monolith", "scheduling"])
def test_month_of_slots_is_decoded_without_a_full_collection(module: str) -> None:
    code = _DECODE_A_LONG_REPLY.format(module=module)
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    frozen, visited, full_collections, slots = json.loads(result.stdout)
    assert frozen > 10_000, "the application's objects are exempt from collection"
    assert visited < frozen / 100
    assert (full_collections, slots) == (0, 24_800)
