"""Rehearse a cutover: every check, without a fence."""

import time
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling.values import DatabaseName
from monolith.cutover.checks import CutoverRefused
from monolith.cutover.controller import Controller
from monolith.cutover.databases import Connection
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.service.errors import RehearsalFailed
from monolith.cutover.service.requests import CutoverRequest
from monolith.cutover.store.cutovers import Cutover
from monolith.shared.endpoints import BusinessRef

_COMMITS_IN_FENCE = 6
"""The fence, its watermark, and four transitions of the record; each takes about as long as one commit."""


class Rehearsal(NamedTuple):
    """`pause_ms` estimates how long writes would wait."""

    slug: str
    pause_ms: float


def rehearse(
    controller: Controller,
    checks: PreflightChecks,
    request: CutoverRequest,
    source: DatabaseName,
    business: BusinessRef,
) -> Rehearsal:
    """Run every check of a cutover from `source`, and move nothing. Raises RehearsalFailed."""
    cutover = _rehearsed_cutover(request, source, business.business_id)
    here, there = controller.at(cutover.source), controller.at(cutover.target)
    try:
        checked = checks.check_before_fence(cutover, here, there)
        began = time.monotonic()
        rows = checks.read_source(cutover, here, checked.compared_from)
        checks.check_inside_fence(cutover, here, there, rows)
    except CutoverRefused as refusal:
        raise RehearsalFailed(business.slug, str(refusal)) from refusal
    verify_ms = (time.monotonic() - began) * 1000
    commit_ms = _commit_ms(controller.control_db)
    return Rehearsal(business.slug, checked.found["canary_ms"]["there"] + verify_ms + _COMMITS_IN_FENCE * commit_ms)


def _rehearsed_cutover(request: CutoverRequest, source: DatabaseName, business_id: UUID) -> Cutover:
    return Cutover(
        cutover_id=uuid7(),
        business_id=business_id,
        source=source,
        target=request.target,
        epoch=0,
        attempt=0,
        state="replicating",
        fence_seconds=request.fence_seconds,
        deadline_at=None,
        compared_from=None,
        actor=request.actor,
        reason=request.reason,
        problem=None,
        steps=[],
        began_at=datetime.now(UTC),
        settled_at=None,
    )


def _commit_ms(control_db: Connection) -> float:
    """Measure the commit of one transaction that has an id, and so must be flushed."""
    began = time.monotonic()
    with control_db.transaction():
        control_db.execute("SELECT pg_current_xact_id()")
    return (time.monotonic() - began) * 1000
