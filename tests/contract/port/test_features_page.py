"""The examples of the engine's FEATURES.md hold on every adapter."""

import re
from datetime import date
from pathlib import Path

from contracts.scheduling import models as m
from contracts.scheduling.errors import PolicyRefused
from tests.contract.port.shop import Shop, at, refused

PAGE = Path(__file__).resolve().parents[3] / "scheduling_service" / "engine" / "FEATURES.md"


def test_every_example_holds(shop: Shop) -> None:
    scope: dict[str, object] = {
        "m": m,
        "at": at,
        "date": date,
        "refused": refused,
        "PolicyRefused": PolicyRefused,
        "port": shop.port,
        "staff": shop.staff,
        "customer": shop.customer,
        "other": shop.stranger,
        "cut": shop.offering,
        "ada": shop.provider,
    }
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(examples) >= 15
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), scope)
