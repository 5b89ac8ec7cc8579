"""Apply a recovery plan. May be repeated after any interruption: the next plan starts from what was applied."""

from collections.abc import Sequence

from monolith.cutover.databases import Connection
from monolith.cutover.recovery.evidence import At, Evidence
from monolith.cutover.recovery.plan import BusinessPlan, RecoveryPlan
from monolith.cutover.store import recoveries, servers
from monolith.cutover.store.platform_writes import append_audit, follow_owner
from scheduling_service.engine import lease as leases
from scheduling_service.engine.lease import Lease

ACTION = "recovery.applied"


def apply_plan(
    control_db: Connection, at: At, evidence: Evidence, plan: RecoveryPlan, *, actor: str, reason: str
) -> None:
    """Record the owners, then activate their leases; businesses that wait stay fenced. Audited.

    Every lease must be void. The record is changed in one transaction, before any lease becomes valid: an
    interruption leaves businesses fenced, never with two owners.
    """
    with control_db.transaction():
        recoveries.settle_all(control_db)
        for each in plan.businesses:
            if each.is_served or each.action == "closed":
                owner = recoveries.Recorded(each.owner, each.epoch, each.attempt)
                recoveries.confirm_owner(control_db, each.business_id, owner)
        for name, server in evidence.servers.items():
            servers.confirm_server(control_db, name, server.incarnation, actor)
        _audit(control_db, evidence, plan.businesses, actor, reason)
    for each in plan.businesses:
        if each.is_served:
            _set_leases(at, evidence, each)
        elif each.action in ("unknown", "closed"):
            _deactivate(at, evidence, each)
        if each.completes_a_move:
            follow_owner(control_db, each.business_id, each.owner, actor=actor, reason=reason)


def _set_leases(at: At, evidence: Evidence, plan: BusinessPlan) -> None:
    """Confirm every other lease as inactive first, then activate the owner's."""
    for name, server in evidence.servers.items():
        former = server.leases.get(plan.business_id)
        if former is not None and name != plan.owner:
            inactive = Lease(False, min(former.epoch, plan.epoch - 1) or 1, max(former.attempt, plan.attempt))
            leases.confirm(at(name), plan.business_id, inactive)
    leases.confirm(at(plan.owner), plan.business_id, Lease(True, plan.epoch, plan.attempt))


def _deactivate(at: At, evidence: Evidence, plan: BusinessPlan) -> None:
    """Keep the rows of a business that the record does not know, without an owner."""
    for name, server in evidence.servers.items():
        lease = server.leases.get(plan.business_id)
        if lease is not None:
            leases.confirm(at(name), plan.business_id, Lease(False, lease.epoch, lease.attempt))


def _audit(control_db: Connection, evidence: Evidence, plans: Sequence[BusinessPlan], actor: str, reason: str) -> None:
    for plan in plans:
        if plan.action == "confirm":
            continue
        before = evidence.record.get(plan.business_id)
        append_audit(
            control_db,
            actor=actor,
            action=f"recovery.{plan.action}",
            subject=f"business:{plan.business_id}",
            before=None if before is None else before._asdict(),
            after={"owner": plan.owner, "epoch": plan.epoch, "found": plan.found},
            reason=reason,
        )
    append_audit(
        control_db,
        actor=actor,
        action=ACTION,
        subject="extraction recovery",
        before={name: each.known for name, each in evidence.servers.items()},
        after={name: each.incarnation for name, each in evidence.servers.items()},
        reason=reason,
    )
