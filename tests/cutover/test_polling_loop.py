"""A worker of the daemon polls while there is work or doubt, and otherwise waits for a change notice."""

from collections.abc import Iterator

import psycopg
import pytest
from uuid_utils.compat import uuid7

from monolith.cutover.controller import Controller
from monolith.cutover.databases import CONTROLLER, Connection, SchedulingDatabases
from monolith.cutover.polling_loop import PollingLoop, TableChanges
from monolith.cutover.store import cutovers
from monolith.cutover.store.cutovers import Cutover
from monolith.shared.flags.change_listener import ChangeListener
from tests.cutover.dying_controller import PassingChecks
from tests.databases import Databases
from tests.polling import eventually


class CountedPolls:
    """A loop over the unsettled cutovers, with the number of its polls."""

    def __init__(self, pair: SchedulingDatabases, listener: ChangeListener) -> None:
        self.polls = 0
        self.controller = Controller(pair, PassingChecks())
        self._loop = PollingLoop("worker", self.controller, TableChanges(listener, "cutover"))

    def step(self) -> bool:
        """Run one step; return whether it polled."""
        before = self.polls
        self._loop.run_once(self._find, lambda _: False)
        return self.polls > before

    def _find(self, db: Connection) -> list[Cutover]:
        self.polls += 1
        return cutovers.unsettled(db)


@pytest.fixture
def listener(pair: SchedulingDatabases) -> Iterator[ChangeListener]:
    listener = ChangeListener(pair.monolith.url, role=CONTROLLER, secret=pair.monolith.secret)
    yield listener
    listener.close()


@pytest.fixture
def counted(pair: SchedulingDatabases, listener: ChangeListener) -> Iterator[CountedPolls]:
    counted = CountedPolls(pair, listener)
    yield counted
    counted.controller.close()


def test_polls_while_there_is_work_or_doubt(
    databases: Databases, pair: SchedulingDatabases, listener: ChangeListener, counted: CountedPolls
) -> None:
    assert [counted.step() for _ in range(3)] == [True] * 3, "without a listener, anything may have changed"
    listener.start()
    eventually(lambda: not listener.stale and not counted.step(), "a step without a poll")
    assert sum(counted.step() for _ in range(100)) <= 1, "nothing changed"

    business_id = uuid7()
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as administrator:
        administrator.execute(
            "INSERT INTO cutover.ownership (business_id, owner, epoch) VALUES (%s, 'monolith', 1)", (business_id,)
        )
    with pair.control_db() as control_db:
        cutovers.begin(control_db, business_id, "monolith", "scheduling", fence_seconds=30, actor="a", reason="b")
    eventually(counted.step, "a poll after the notice", seconds=3)
    assert [counted.step() for _ in range(10)] == [True] * 10, "an unsettled cutover has a deadline to watch"
