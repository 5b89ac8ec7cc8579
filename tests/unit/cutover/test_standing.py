"""One sentence for each business: who serves it, and what contradicts that."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.scheduling.values import DatabaseName
from monolith.cutover.inventory import StoredLease
from monolith.cutover.service.standing import KnownBusiness, Standing, standing_of
from monolith.cutover.store.cutovers import Cutover
from monolith.modules.scheduling.ownership import Ownership

ID = uuid4()
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
ACTIVE, FORMER = StoredLease(True, 3), StoredLease(False, 2)


def business(**fields: Any) -> KnownBusiness:
    known: dict[str, Any] = {
        "business_id": ID, "slug": "salon", "name": "Salon", "ownership": Ownership(owner="monolith", epoch=3),
        "requested": None, "cutover": None, "partner": "scheduling",
    }  # fmt: skip
    return KnownBusiness(**{**known, **fields})


def standing(
    known: KnownBusiness, monolith: StoredLease | None = ACTIVE, scheduling: StoredLease | None = FORMER,
    unreadable: DatabaseName | None = None,
) -> Standing:  # fmt: skip
    found: dict[DatabaseName, dict[UUID, StoredLease] | None] = {
        "monolith": {} if monolith is None else {ID: monolith},
        "scheduling": {} if scheduling is None else {ID: scheduling},
    }
    if unreadable is not None:
        found[unreadable] = None
    return standing_of(known, found, NOW)


@pytest.mark.parametrize("other", [None, FORMER])
def test_an_active_lease_in_the_owner_serves(other: StoredLease | None) -> None:
    found = standing(business(), scheduling=other)
    assert (found.level, found.sentence) == ("ok", "Served by monolith, through the adapter in_process.")


def test_two_active_leases_are_broken() -> None:
    assert standing(business(), scheduling=StoredLease(True, 2)).level == "broken"


@pytest.mark.parametrize("lease", [StoredLease(False, 3), StoredLease(True, 2)])
def test_an_owner_without_the_lease_of_its_epoch_refuses_writes(lease: StoredLease) -> None:
    found = standing(business(), monolith=lease)
    assert found.level == "broken"
    assert "Writes are refused" in found.sentence
    assert found.remedy == "extraction cutover resume salon"


def test_leases_of_a_restored_database_are_broken_until_a_recovery() -> None:
    found = standing(business(), monolith=ACTIVE._replace(valid=False))
    assert (found.level, found.remedy) == ("broken", "extraction recover")


def test_a_flag_that_contradicts_the_owner_needs_attention() -> None:
    found = standing(business(requested="http"))
    assert (found.level, found.remedy) == ("attention", "extraction flag set http --business salon")


@pytest.mark.parametrize("unreadable, level", [("monolith", "broken"), ("scheduling", "attention")])
def test_an_unreadable_database_is_named(unreadable: DatabaseName, level: str) -> None:
    found = standing(business(), unreadable=unreadable)
    assert found.level == level
    assert f"{unreadable}" in found.sentence
    assert found.leases[unreadable] is None


def test_a_cutover_says_its_state_and_the_time_that_is_left() -> None:
    cutover = Cutover(
        uuid4(), ID, "monolith", "scheduling", 3, 1, "fenced", 2.0, NOW + timedelta(seconds=1.5), None, "ann", "peak",
        None, [], NOW - timedelta(seconds=4), None,
    )  # fmt: skip
    found = standing(business(cutover=cutover), monolith=StoredLease(False, 3))
    assert found.level == "moving"
    assert found.sentence == (
        "Moving from monolith to scheduling: fenced, 4 s after its start; writes wait for 1.5 s more at most."
    )


def test_a_business_whose_owner_is_still_signing_up_is_fine() -> None:
    assert standing(business(ownership=None), monolith=None).level == "ok"


def test_a_cutover_without_a_driver_needs_attention_and_names_the_remedy() -> None:
    cutover = Cutover(
        uuid4(), ID, "monolith", "scheduling", 3, 1, "replicating", 2.0, None, None, "ann", "peak", None, [],
        NOW - timedelta(seconds=40), None,
    )  # fmt: skip
    found = standing(business(cutover=cutover, is_driven=False))
    assert (found.level, found.remedy) == ("attention", "extraction cutover resume salon")
    assert "No process drives it" in found.sentence
    assert standing(business(cutover=cutover)).level == "moving"
