"""Everything that scheduling offers to customers and to staff can be done in a page."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from contracts.scheduling.port import OPERATIONS
from tests.architecture.committed import ROOT

WEB = ROOT / "monolith/web"
ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "customer": {
        "get_business": "its name and zone are those of auth",
        "get_overview": "the days are those of `search_slots`, with their times",
        "get_series": "the page of an appointment lists the others of its series",
    },
    "staff": {
        "get_business": "its name and zone are those of auth",
        "get_overview": "the calendar shows the days",
        "next_available": "the calendar shows the free times",
        "search_visits": "the form of a new booking suggests the times of the first service",
        "get_agenda": "the calendar shows the appointments of all providers",
        "hold": "staff book at once; they confirm and extend the holds of customers",
    },
}
"""Operations that no page of the actor calls, and why none is needed."""


def called(paths: Iterable[Path]) -> set[str]:
    return {name for path in paths for name in re.findall(r"\bport\.(\w+)\(", path.read_text())}


def test_every_operation_has_a_page() -> None:
    folders = {"customer": "site", "staff": "office"}
    missing = {
        actor: {operation.name for operation in OPERATIONS if actor in operation.actors}
        - called([*WEB.glob("*.py"), *(WEB / folder).glob("*.py")])
        for actor, folder in folders.items()
    }
    assert missing == {actor: set(names) for actor, names in ELSEWHERE.items()}
