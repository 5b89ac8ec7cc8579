"""Everything that the control plane records, read at once, for an interface that shows it continuously."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from contracts.scheduling.values import DatabaseName
from monolith.cutover.scheduling_flag import FlagValue
from monolith.cutover.service.control_plane import ControlPlane
from monolith.cutover.service.standing import KnownBusiness
from monolith.cutover.store import cutovers, drivers
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.store.rollback_policies import PolicyStatus
from monolith.cutover.store.verifications import StoredVerification, latest_verifications

_LATEST_CUTOVERS = 50
_UNDRIVEN_SECONDS = 5.0
"""The cutover daemon settles an abandoned cutover before this age."""


class ExtractionState(Struct, frozen=True):
    """The records in the monolith's database. `now` is by its clock. `cutovers` has those under way first."""

    now: datetime
    partners: Mapping[DatabaseName, DatabaseName]
    """By database: the one with which it replicates, or would."""
    default: FlagValue
    businesses: Sequence[KnownBusiness]
    cutovers: Sequence[Cutover]
    policies: Sequence[PolicyStatus]
    verifications: dict[UUID, StoredVerification]


def observe(plane: ControlPlane) -> ExtractionState:
    """Read the records. Raises psycopg.Error and DatabaseUnavailable."""
    control_db = plane.cutovers.controller.control_db
    businesses, owners, requested = plane.directory.all(), plane.directory.owners(), plane.adapter.overrides()
    default, partners = plane.adapter.default(), plane.cutovers.partners()
    with control_db.transaction():
        # One snapshot, so that all values agree whether a cutover has begun.
        control_db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = control_db.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None, "the query always returns a row"
        under_way = {each.business_id: each for each in cutovers.unsettled(control_db)}
        undriven = drivers.undriven(control_db, _UNDRIVEN_SECONDS) if under_way else set()
        return ExtractionState(
            now=row[0],
            partners=partners,
            default=default,
            businesses=[
                KnownBusiness(
                    business_id=each.business_id,
                    slug=each.slug,
                    name=each.name,
                    ownership=owners.get(each.business_id),
                    requested=requested.get(each.business_id),
                    cutover=(moving := under_way.get(each.business_id)),
                    is_driven=moving is None or moving.cutover_id not in undriven,
                    partner=partners.get(owners[each.business_id].owner) if each.business_id in owners else None,
                )
                for each in businesses
            ],
            cutovers=plane.cutovers.latest(_LATEST_CUTOVERS),
            policies=plane.cutovers.observed(),
            verifications=latest_verifications(control_db),
        )
