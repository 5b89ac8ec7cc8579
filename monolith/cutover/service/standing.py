"""The standing of a business: one sentence from its owner, the leases of all databases, and its cutover.

The flag is only what an operator requested. A sentence that contradicts it, and two databases that contradict each
other, are findings with a remedy.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from contracts.scheduling.values import DatabaseName
from monolith.cutover.inventory import StoredLease
from monolith.cutover.scheduling_flag import FlagValue, adapter_for, adapter_in
from monolith.cutover.store.cutovers import Cutover
from monolith.modules.scheduling.ownership import Ownership

Level = Literal["ok", "moving", "attention", "broken"]
Leases = Mapping[DatabaseName, Mapping[UUID, StoredLease] | None]
"""By database; None for one whose leases could not be read."""

_UNDRIVEN = "No process drives it, and the cutover daemon has not settled it: resume or abort it."


class Standing(Struct, frozen=True, kw_only=True):
    """The state of one business. `remedy` is a command of `extraction`; empty when there is nothing to do."""

    business_id: UUID
    slug: str
    name: str
    owner: DatabaseName | None
    epoch: int | None
    requested: FlagValue | None
    """The override of the flag; None without one."""
    leases: dict[DatabaseName, StoredLease | None]
    """None: no lease, or unreadable."""
    cutover: UUID | None = None
    level: Level
    sentence: str
    remedy: str = ""


class KnownBusiness(Struct, frozen=True, kw_only=True):
    """One business as the monolith's database describes it."""

    business_id: UUID
    slug: str
    name: str
    ownership: Ownership | None
    requested: FlagValue | None
    cutover: Cutover | None
    partner: DatabaseName | None = None
    """The database that replicates the owner's; None if none does."""
    is_driven: bool = True
    """False for a cutover whose controller is gone, and which the cutover daemon has not settled."""


def standing_of(business: KnownBusiness, leases: Leases, now: datetime) -> Standing:
    """Describe one business. `now` is compared with times of the monolith's database."""
    level, sentence, remedy = _describe(business, leases, now)
    owned = business.ownership
    return Standing(
        business_id=business.business_id,
        slug=business.slug,
        name=business.name,
        owner=None if owned is None else owned.owner,
        epoch=None if owned is None else owned.epoch,
        requested=business.requested,
        leases={name: (found or {}).get(business.business_id) for name, found in leases.items()},
        cutover=None if business.cutover is None else business.cutover.cutover_id,
        level=level,
        sentence=sentence,
        remedy=remedy,
    )


def _describe(business: KnownBusiness, leases: Leases, now: datetime) -> tuple[Level, str, str]:
    owned = business.ownership
    if owned is None:
        return "ok", "It is not open yet: its owner is still signing up.", ""
    if business.cutover is not None:
        sentence = _moving(business.cutover, now)
        if business.is_driven:
            return "moving", sentence, f"extraction cutover abort {business.slug}"
        return "attention", f"{sentence} {_UNDRIVEN}", f"extraction cutover resume {business.slug}"
    served = f"Served by {owned.owner}, through the adapter {adapter_for(owned.owner)}."
    return _broken(business, owned, leases) or _doubtful(business, owned, leases) or ("ok", served, "")


def _broken(business: KnownBusiness, owned: Ownership, leases: Leases) -> tuple[Level, str, str] | None:
    """Return why no database accepts writes, or why more than one does."""
    own = leases[owned.owner]
    if own is None:
        return "broken", f"Owned by {owned.owner}, whose database cannot be read.", f"extraction db check {owned.owner}"
    lease, other = own.get(business.business_id), _active_elsewhere(business.business_id, owned.owner, leases)
    if lease is not None and not lease.valid:
        sentence = f"Owned by {owned.owner}, whose leases are void since a restore or a failover. Writes are refused."
        return "broken", sentence, "extraction recover"
    if lease is not None and lease.active and other is not None:
        sentence = f"Both {owned.owner} and {other} hold an active lease; {owned.owner} owns it."
        return "broken", sentence, "extraction cutover status"
    if lease is not None and (not lease.active or lease.epoch != owned.epoch):
        sentence = f"Owned by {owned.owner}, whose lease is {_lease(lease)}, not active in epoch {owned.epoch}."
        return "broken", f"{sentence} Writes are refused.", f"extraction cutover resume {business.slug}"
    return None


def _doubtful(business: KnownBusiness, owned: Ownership, leases: Leases) -> tuple[Level, str, str] | None:
    """Return what an operator should know about a business that is served."""
    if business.business_id not in (leases[owned.owner] or {}):
        return "ok", f"Owned by {owned.owner}; it is not open there yet.", ""
    partner = business.partner
    if partner is not None and leases[partner] is None:
        sentence = f"Served by {owned.owner}; the {partner} database cannot be read."
        return "attention", sentence, f"extraction db check {partner}"
    if business.requested is not None and adapter_in(business.requested) != adapter_for(owned.owner):
        remedy = f"extraction flag set {business.requested} --business {business.slug}"
        return "attention", f"Served by {owned.owner}, although its flag requests {business.requested}.", remedy
    return None


def _active_elsewhere(business_id: UUID, owner: DatabaseName, leases: Leases) -> DatabaseName | None:
    """Return another database than the owner's that holds an active lease; None if none does."""
    others = {name: (found or {}).get(business_id) for name, found in leases.items() if name != owner}
    return next((name for name, lease in others.items() if lease is not None and lease.active), None)


def _moving(cutover: Cutover, now: datetime) -> str:
    seconds = max(0.0, (now - cutover.began_at).total_seconds())
    moving = f"Moving from {cutover.source} to {cutover.target}: {cutover.state}, {seconds:.0f} s after its start"
    if cutover.deadline_at is not None and cutover.state in ("fenced", "drained", "verified"):
        left = (cutover.deadline_at - now).total_seconds()
        return f"{moving}; writes wait for {max(0.0, left):.1f} s more at most."
    return (
        f"{moving}. {cutover.source} still accepts writes."
        if cutover.state in ("replicating", "ready")
        else f"{moving}."
    )


def _lease(lease: StoredLease) -> str:
    return f"{'active' if lease.active else 'inactive'} in epoch {lease.epoch}"
