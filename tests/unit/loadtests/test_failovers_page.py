"""The page of rehearsed failovers."""

from loadtests.rehearsal.cases import cases
from loadtests.rehearsal.report import HEAD
from tests.servers import ROOT

PAGE = ROOT / "deploy/docs/failovers.md"


def test_the_page_has_the_clean_result_of_every_case() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    table = rows[rows.index(list(HEAD)) + 2 :][: len(cases(every_side=False))]
    assert [row[0] for row in table] == [case.name for case in cases(every_side=False)]
    assert {row[1] for row in table} == {"clean"}
