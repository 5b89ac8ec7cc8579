"""Conclude from the evidence who owns each business, and in which epoch.

An epoch increases with each decision, and a lease is activated only after the decision of its epoch. So the highest
epoch in the record and the leases is the latest decision that can be proved. The decisions that a restored database
lost cannot be more than one ahead of a lease that is fenced.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from contracts.scheduling.values import DatabaseName
from monolith.cutover.inventory import StoredLease
from monolith.cutover.recovery.evidence import Evidence, RowComparison
from monolith.cutover.store.recoveries import Recorded

Action = Literal["confirm", "activate", "record", "switch", "wait", "closed", "unknown"]
"""What is done about a business.

confirm: owner, epoch and lease agree. activate: the owner's lease is behind the decision. record: the record is behind
the lease. switch: a new decision, for the other database. wait: the owner lost rows, and an operator has to choose.
closed: the owner has not opened it yet. unknown: the record does not know it.
"""

Choice = Literal["owner"] | DatabaseName
"""Whose rows to keep where they differ: those of the owner, or those of one database."""

_BEYOND_A_FENCED_LEASE = 2
"""A fenced lease of epoch N may have been followed by one decision, N + 1, which is lost; the next one is N + 2."""

CompareRows = Callable[[UUID, DatabaseName, DatabaseName], RowComparison]
"""Compares the rows of a business at its owner with those at another database."""


class BusinessPlan(NamedTuple):
    """The findings about a business, and the owner and epoch that will be recorded, unless the action is wait or
    unknown."""

    business_id: UUID
    action: Action
    found: str
    owner: DatabaseName
    epoch: int
    attempt: int

    @property
    def is_served(self) -> bool:
        """Whether the business accepts writes when the plan has been applied."""
        return self.action in ("confirm", "activate", "record", "switch")

    @property
    def completes_a_move(self) -> bool:
        """Whether the flag has to follow the owner."""
        return self.action in ("activate", "record", "switch")


class RecoveryPlan(NamedTuple):
    """The plan of each business, sorted by id. `all_equal` is whether every copy equals its owner's rows."""

    businesses: tuple[BusinessPlan, ...]
    all_equal: bool

    @property
    def waiting(self) -> tuple[BusinessPlan, ...]:
        return tuple(each for each in self.businesses if each.action == "wait")


def lost_nothing(evidence: Evidence, plan: RecoveryPlan) -> bool:
    """Return whether leases and decisions agree, as after a failover to a synchronous standby.

    A decision whose lease was about to be activated agrees too. Lost bookings are not noticed by it.
    """
    decided = {each.business_id for each in evidence.unsettled if each.state == "decided"}
    return all(each.is_same_cluster for each in evidence.servers.values()) and all(
        each.action in ("confirm", "closed") or (each.action == "activate" and each.business_id in decided)
        for each in plan.businesses
    )


def make_plan(evidence: Evidence, compare: CompareRows, choice: Mapping[UUID, Choice]) -> RecoveryPlan:
    """Plan every business that the record or a lease names.

    `compare` is called for those of which the owner's partner has a copy.
    """
    named = set(evidence.record) | {business for each in evidence.servers.values() for business in each.leases}
    plans, all_equal = [], True
    for business_id in sorted(named):
        plan, equal = _plan(evidence, business_id, compare, choice.get(business_id))
        plans.append(plan)
        all_equal &= equal
    return RecoveryPlan(tuple(plans), all_equal)


def _plan(
    evidence: Evidence, business_id: UUID, compare: CompareRows, choice: Choice | None
) -> tuple[BusinessPlan, bool]:
    recorded = evidence.record.get(business_id)
    found = {name: evidence.servers[name].leases.get(business_id) for name in evidence.servers}
    if recorded is None:
        text = "the record does not have it: it was opened after the state that was restored"
        return BusinessPlan(business_id, "unknown", text, "scheduling", 0, 0), False
    planned = _by_epochs(business_id, recorded, found)
    held = [name for name in evidence.servers if business_id in evidence.servers[name].held]
    if planned.owner not in held:
        return _without_rows(planned, held, found, choice)
    copy = evidence.copy_of(business_id, planned.owner)
    if copy is None:
        return planned, True
    return _by_rows(planned, copy, compare(business_id, planned.owner, copy), found, choice)


def _by_epochs(business_id: UUID, recorded: Recorded, found: Mapping[DatabaseName, StoredLease | None]) -> BusinessPlan:
    attempt = max(recorded.attempt, *(lease.attempt for lease in found.values() if lease), 0)
    holder: DatabaseName = max(found, key=lambda name: (_epoch(found[name]), name == recorded.owner))
    latest = found[holder]
    if latest is not None and latest.epoch > recorded.epoch:
        epoch = latest.epoch if latest.active else latest.epoch + _BEYOND_A_FENCED_LEASE
        text = f"the record has epoch {recorded.epoch} of {recorded.owner} and lost the decision for {holder}"
        return BusinessPlan(business_id, "record", text, holder, epoch, attempt)
    if _epoch(found[recorded.owner]) == recorded.epoch:
        text = f"record and lease agree: {recorded.owner}, epoch {recorded.epoch}"
        return BusinessPlan(business_id, "confirm", text, recorded.owner, recorded.epoch, attempt)
    text = f"the {recorded.owner} database lost the activation of epoch {recorded.epoch}"
    return BusinessPlan(business_id, "activate", text, recorded.owner, recorded.epoch, attempt)


def _without_rows(
    planned: BusinessPlan,
    held: Sequence[DatabaseName],
    found: Mapping[DatabaseName, StoredLease | None],
    choice: Choice | None,
) -> tuple[BusinessPlan, bool]:
    """Plan a business whose owner has no row of it: not open yet, or restored to a state before its copy."""
    if not held and planned.epoch == 1 and not any(found.values()):
        return planned._replace(action="closed", found=f"it is not open yet at its owner, {planned.owner}"), True
    if not held:
        # As after a restore of the owner to a time before it was moved there, once its former copy is deleted.
        text = f"no database has its rows any more; its owner, {planned.owner}, lost them"
        return planned._replace(action="closed" if choice == "owner" else "wait", found=text), False
    text = f"its owner, {planned.owner}, has none of its rows; the {' and the '.join(held)} database has a copy"
    if choice is not None and choice in held:
        return _switched(planned, choice, found, text), False
    return planned._replace(action="wait", found=text), False


def _by_rows(
    planned: BusinessPlan,
    copy: DatabaseName,
    rows: RowComparison,
    found: Mapping[DatabaseName, StoredLease | None],
    choice: Choice | None,
) -> tuple[BusinessPlan, bool]:
    if rows.equal:
        return planned._replace(found=f"{planned.found}; both databases hold the same rows"), True
    if rows.lost == 0:
        return planned._replace(found=f"{planned.found}; the copy is behind ({rows.example})"), False
    if choice == copy:
        return _switched(planned, copy, found, f"the rows differ ({rows.example})"), False
    text = f"the copy in the {copy} database has {rows.lost} or more rows that its owner lost ({rows.example})"
    action = planned.action if choice is not None else "wait"
    return planned._replace(action=action, found=f"{planned.found}; {text}"), False


def _switched(
    planned: BusinessPlan, owner: DatabaseName, found: Mapping[DatabaseName, StoredLease | None], text: str
) -> BusinessPlan:
    highest = max(planned.epoch, *(_epoch(lease) for lease in found.values()))
    return planned._replace(action="switch", owner=owner, epoch=highest + _BEYOND_A_FENCED_LEASE, found=text)


def _epoch(lease: StoredLease | None) -> int:
    return 0 if lease is None else lease.epoch
