"""The files that are mutated, by part, with the tests that should notice."""

from typing import NamedTuple

_VERSIONS = "scheduling_service/engine/migrations/versions"


class MutationTarget(NamedTuple):
    """One part. `selected` restricts the tests, as pytest's option -k does."""

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]
    selected: str = ""


TARGETS = (
    MutationTarget(
        "engine",
        (
            "scheduling_service/engine/write_transaction.py",
            "scheduling_service/engine/booking/reservation.py",
            "scheduling_service/engine/booking/lifecycle.py",
            "scheduling_service/engine/booking/policies.py",
            "scheduling_service/engine/availability/conditions.py",
        ),
        (
            "tests/contract/port/test_booking.py",
            "tests/contract/port/test_keys.py",
            "tests/contract/port/test_policies.py",
            "tests/contract/port/test_changes.py",
            "tests/contract/port/test_approval.py",
            "tests/contract/port/test_holds.py",
            "tests/contract/port/test_search_rules.py",
            "tests/integration/engine/test_lease_guard.py",
            "tests/integration/engine/test_retries.py",
            "tests/integration/engine/test_races.py",
            "tests/unit/engine/test_availability_model.py",
        ),
        # The engine is the same behind every adapter.
        "not http and not switched",
    ),
    MutationTarget(
        "lease guard",
        ("scheduling_service/engine/lease.py", f"{_VERSIONS}/0007_incarnation.sql"),
        (
            "tests/cutover/test_leases.py",
            "tests/integration/engine/test_lease_guard.py",
            "tests/integration/engine/test_row_security.py",
            "tests/contract/port/test_keys.py",
        ),
        "not http and not switched",
    ),
    MutationTarget(
        "verifier",
        (
            "monolith/cutover/verification/full_comparison.py",
            "monolith/cutover/verification/recent_comparison.py",
            "monolith/cutover/verification/invariants.py",
            "monolith/cutover/verification/table_rows.py",
        ),
        ("tests/cutover/test_verification.py",),
    ),
)
