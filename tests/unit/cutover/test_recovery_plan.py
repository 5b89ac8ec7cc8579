"""A recovery concludes the latest decision that leases, record and rows prove."""

from uuid import UUID, uuid4

import pytest

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import RegisteredDatabase, SchedulingDatabase, SchedulingDatabases
from monolith.cutover.inventory import StoredLease
from monolith.cutover.recovery import BusinessPlan, Choice, Evidence, make_plan
from monolith.cutover.recovery.evidence import RowComparison, ServerEvidence
from monolith.cutover.recovery.plan import lost_nothing
from monolith.cutover.store.recoveries import Recorded

ID = uuid4()
UNUSED = "postgresql://127.0.0.1:9/unused"
TWO_DATABASES = SchedulingDatabases(
    SchedulingDatabase("monolith", UNUSED, "no secret"), SchedulingDatabase("scheduling", UNUSED, "no secret")
)
THREE_DATABASES = SchedulingDatabases(
    TWO_DATABASES.monolith,
    TWO_DATABASES.scheduling,
    lambda: {
        "monolith": RegisteredDatabase(TWO_DATABASES.monolith, None),
        "scheduling": RegisteredDatabase(TWO_DATABASES.scheduling, "scheduling-2"),
        "scheduling-2": RegisteredDatabase(SchedulingDatabase("scheduling-2", UNUSED, "no secret"), "scheduling"),
    },
)
SAME, BEHIND, LOST = RowComparison(True, 0, ""), RowComparison(False, 0, "a row"), RowComparison(False, 2, "a row")


def lease(epoch: int, *, active: bool = True, attempt: int = 0) -> StoredLease:
    return StoredLease(active, epoch, attempt, valid=False)


def server(found: StoredLease | None, *, holds: bool = True) -> ServerEvidence:
    return ServerEvidence("1/2", "1/1", {} if found is None else {ID: found}, frozenset({ID} if holds else ()))


def planned(
    record: Recorded | None, monolith: ServerEvidence, scheduling: ServerEvidence, rows: RowComparison = SAME,
    choice: Choice | None = None,
) -> BusinessPlan:  # fmt: skip
    def compare(business_id: UUID, owner: DatabaseName, copy: DatabaseName) -> RowComparison:
        return rows

    evidence = Evidence(
        {"monolith": monolith, "scheduling": scheduling},
        {} if record is None else {ID: record},
        unsettled=(),
        databases=TWO_DATABASES,
    )
    [plan] = make_plan(evidence, compare, {} if choice is None else {ID: choice}).businesses
    return plan


def outcome(plan: BusinessPlan) -> tuple[str, str, int]:
    return plan.action, plan.owner, plan.epoch


def test_record_and_lease_that_agree_are_confirmed() -> None:
    plan = planned(Recorded("scheduling", 2, 5), server(lease(1, active=False)), server(lease(2, attempt=7)))
    assert outcome(plan) == ("confirm", "scheduling", 2)
    assert plan.attempt == 7


def test_a_fence_without_a_decision_leaves_the_owner() -> None:
    plan = planned(Recorded("monolith", 1, 1), server(lease(1, active=False, attempt=1)), server(None))
    assert outcome(plan) == ("confirm", "monolith", 1)


def test_a_lease_proves_a_decision_that_the_record_lost() -> None:
    plan = planned(Recorded("monolith", 1, 0), server(lease(1)), server(lease(2, attempt=1)))
    assert outcome(plan) == ("record", "scheduling", 2)


def test_a_fenced_lease_may_have_been_followed_by_one_more_decision() -> None:
    plan = planned(Recorded("monolith", 1, 0), server(lease(1)), server(lease(2, active=False)))
    assert outcome(plan) == ("record", "scheduling", 4)


def test_a_decision_proves_an_activation_that_the_owner_lost() -> None:
    plan = planned(Recorded("scheduling", 2, 1), server(lease(1, active=False)), server(None))
    assert outcome(plan) == ("activate", "scheduling", 2)


@pytest.mark.parametrize(
    ("rows", "choice", "expected"),
    [
        (BEHIND, None, ("confirm", "scheduling", 2)),
        (BEHIND, "monolith", ("confirm", "scheduling", 2)),
        (LOST, None, ("wait", "scheduling", 2)),
        (LOST, "owner", ("confirm", "scheduling", 2)),
        (LOST, "scheduling", ("confirm", "scheduling", 2)),
        (LOST, "monolith", ("switch", "monolith", 4)),
    ],
)
def test_rows_that_the_owner_lost_are_an_operators_choice(
    rows: RowComparison, choice: Choice | None, expected: tuple[str, str, int]
) -> None:
    record = Recorded("scheduling", 2, 1)
    assert outcome(planned(record, server(lease(1, active=False)), server(lease(2)), rows, choice)) == expected


def test_an_owner_without_any_row_waits_for_a_choice() -> None:
    record, monolith, scheduling = (
        Recorded("scheduling", 2, 1),
        server(lease(1, active=False)),
        server(None, holds=False),
    )
    assert planned(record, monolith, scheduling).action == "wait"
    assert outcome(planned(record, monolith, scheduling, choice="monolith")) == ("switch", "monolith", 4)


def test_a_business_that_is_not_open_yet_stays_closed() -> None:
    plan = planned(Recorded("monolith", 1, 0), server(None, holds=False), server(None, holds=False))
    assert (plan.action, plan.is_served) == ("closed", False)


def test_a_moved_business_whose_rows_are_lost_is_not_taken_for_one_that_is_not_open_yet() -> None:
    record, former, owner = (
        Recorded("scheduling", 2, 1),
        server(lease(1, active=False), holds=False),
        server(None, holds=False),
    )
    assert planned(record, former, owner).action == "wait"
    assert planned(record, former, owner, choice="owner").action == "closed"


def test_the_latest_of_three_databases_is_the_owner_and_only_its_partner_is_compared() -> None:
    compared = list[tuple[DatabaseName, DatabaseName]]()

    def compare(business_id: UUID, owner: DatabaseName, copy: DatabaseName) -> RowComparison:
        compared.append((owner, copy))
        return SAME

    databases = THREE_DATABASES
    servers = {
        "monolith": server(lease(1, active=False)),
        "scheduling": server(lease(2, active=False)),
        "scheduling-2": server(lease(3)),
    }
    evidence = Evidence(servers, {ID: Recorded("scheduling", 2, 1)}, (), databases)
    [plan] = make_plan(evidence, compare, {}).businesses
    assert outcome(plan) == ("record", "scheduling-2", 3)
    assert compared == [("scheduling-2", "scheduling")]


def test_a_business_that_the_record_does_not_know_is_left_without_an_owner() -> None:
    plan = planned(None, server(None, holds=False), server(lease(1)))
    assert (plan.action, plan.is_served) == ("unknown", False)


@pytest.mark.parametrize(
    ("incarnation", "epoch", "lost"), [("1/2", 1, False), ("1/2", 2, True), ("2/1", 1, True), ("1/0", 1, True)]
)
def test_a_failover_that_lost_nothing_continues_the_cluster_and_every_epoch(
    incarnation: str, epoch: int, lost: bool
) -> None:
    servers: dict[DatabaseName, ServerEvidence] = {
        "monolith": server(lease(1))._replace(incarnation=incarnation),
        "scheduling": server(None, holds=False),
    }
    evidence = Evidence(servers, {ID: Recorded("monolith", epoch, 0)}, (), TWO_DATABASES)
    assert lost_nothing(evidence, make_plan(evidence, lambda *which: SAME, {})) == (not lost)
