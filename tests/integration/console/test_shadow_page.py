"""Shadow reads in the console: match rate and sample of each operation, and its newest difference side by side."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from monolith.cutover.shadow.counts import ComparisonCounts
from monolith.cutover.shadow.examples import DifferenceExample, DifferingField
from monolith.cutover.store.shadow_results import ShadowResultStore
from monolith.shared.database import ModuleDatabase
from tests.console_process import VIEWER, ConsoleSite
from tests.databases import Databases

EXAMPLE = DifferenceExample(
    "a-business", "get_agenda", "monolith", '{"day": 1}', (DifferingField("zone", '"UTC"', "(absent)"),), "{…", "{}"
)


@pytest.fixture
def results(own_databases: Databases, console: ConsoleSite) -> Iterator[ShadowResultStore]:
    secret = own_databases.role_secret
    yield ShadowResultStore(ModuleDatabase(own_databases.monolith_url, role="cutover_app", secret=secret))
    console.sql("DELETE FROM cutover.shadow_read")


def test_match_rate_sample_and_the_newest_difference_are_shown(
    console: ConsoleSite, results: ShadowResultStore
) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    counts = ComparisonCounts(1200, 3, 2, 1, owner_ms=1200.0, candidate_ms=3000.0, example=EXAMPLE)
    results.add({("get_agenda", minute): counts})
    page = console.browser(VIEWER).open("/ops/shadow")
    assert "get_agenda 99.75 % 1,200 3 2 1 1.0 ms 2.5 ms 2.5" in page.text
    assert "Latest difference: get_agenda of a-business" in page.text
    assert 'Owner (monolith) Candidate zone "UTC" (absent)' in page.text
    assert '{"day": 1}' in page.text, "the request"
