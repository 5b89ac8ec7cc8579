"""Reschedule one appointment back and forth:

    python -m tests.integration.engine.rescheduler URL BUSINESS APPOINTMENT SEED

Threads of one Python process interleave too rarely for some races. Prints the number of moves, and the codes of errors
other than a taken time, as JSON.
"""

import json
import random
import sys
import time
from uuid import UUID, uuid4

from contracts.scheduling import models as m
from contracts.scheduling.context import Actor
from contracts.scheduling.errors import SchedulingError, SlotUnavailable
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from tests.contract.port.shop import Caller, at
from tests.integration.engine.workbench import told_to_return

SECONDS = 1.5


def main(url: str, business_id: str, appointment_id: str, seed: str) -> None:
    engine = SchedulingEngine(EngineDatabase(url, pool_size=1))
    staff = Caller(UUID(business_id), Actor("staff", uuid4()))
    version, errors, chance = 1, [], random.Random(seed)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        starts_at = at(9 + chance.randrange(3), day=1)
        request = m.Reschedule(appointment_id=UUID(appointment_id), starts_at=starts_at, expected_version=version)
        try:
            version = engine.reschedule(staff.writes(), request).version
        except SlotUnavailable:
            continue
        except SchedulingError as error:
            if not told_to_return(error):
                errors.append(error.code)
    print(json.dumps({"moves": version - 1, "errors": errors}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
