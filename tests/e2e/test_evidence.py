"""`extraction evidence` with and without a running demo."""

from pathlib import Path
from threading import Event, Thread

import requests

from tests.e2e.demo import new_installation
from tests.e2e.shared_demo import Product


def test_evidence_names_the_modules_of_a_running_demo(product: Product) -> None:
    shop, over = product.shops["in_process"], Event()

    def use() -> None:
        while not over.wait(0.05):
            requests.get(f"{product.installation.url}/api/v1/businesses/{shop.slug}/prices", timeout=10)

    using = Thread(target=use)
    using.start()
    try:
        told = product.installation.extraction("evidence", "--seconds", "3")
    finally:
        over.set()
        using.join()
    assert told.returncode == 0, told.stderr
    first_words = [line.partition(" ")[0] for line in told.stdout.splitlines()]
    assert "billing" in first_words
    assert "Try" in first_words


def test_evidence_without_a_demo_explains_how_to_start_one(tmp_path: Path) -> None:
    told = new_installation(tmp_path / "data").extraction("evidence")
    assert told.returncode == 2
    assert "start it with `make demo`" in told.stderr
