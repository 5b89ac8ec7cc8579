"""The example in the engine's README runs."""

import re
from pathlib import Path

import pytest

from tests.contract.port.shop import Shop, at
from tests.integration.engine.workbench import Workbench

README = Path(__file__).resolve().parents[3] / "scheduling_service" / "engine" / "README.md"


def test_the_example_books_the_first_free_slot(
    bench: Workbench, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    [example] = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    scope: dict[str, object] = {}
    exec(example, scope)
    book_first = scope["book_first"]
    assert callable(book_first)
    book_first(bench.role_url("scheduling_app"), shop.business_id, shop.offering.offering_id, shop.customer.id)
    assert "Appointment(" in capsys.readouterr().out
    assert at(9) not in shop.starts()
