"""A receptionist works on while the business is moved from one database to the other, and back."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.browser import Browser, Form, Page
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.shop import Shop, open_shop
from tests.polling import eventually
from tests.site import PASSWORD

pytestmark = pytest.mark.long


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A demo with replication running."""
    installation = new_installation(tmp_path_factory.mktemp("office-moved") / "data")
    with Demo(installation):
        started = installation.extraction("replicate", "start")
        assert started.returncode == 0, started.stderr
        yield installation


class Moves:
    """Moves a business back and forth until it is stopped."""

    def __init__(self, installation: Installation, shop: Shop) -> None:
        self.done: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(installation, shop))

    def __enter__(self) -> "Moves":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self, installation: Installation, shop: Shop) -> None:
        while not self._stop.is_set():
            for adapter in ("http", "in_process"):
                options = ("--business", shop.slug, "--reason", "back and forth")
                moved = installation.extraction("flag", "set", adapter, *options)
                assert moved.returncode == 0, moved.stderr
                self.done.append(adapter)


def persist(office: Browser, form: Form, **typed: str) -> Page:
    """Submit a form again, with the same key, until it is not answered by a temporary failure."""

    def attempt() -> Page | None:
        page = office.send(form, **typed)
        return None if page.status in (503, 504) else page

    return eventually(attempt, "an answer", seconds=30)


def read(office: Browser, address: str) -> Page:
    """Open a page, again while the business is being moved."""

    def attempt() -> Page | None:
        page = office.open(address)
        return None if page.status in (503, 504) else page

    return eventually(attempt, "the page", seconds=30)


def test_bookings_moves_and_cancellations_survive_the_moves(installation: Installation) -> None:
    shop = open_shop(installation, "busy-salon", "in_process")
    office, root = Browser(installation.url), "/office/busy-salon"
    office.open(f"{root}/requests")
    office.submit("Sign in", email="owner@busy-salon.example", password=PASSWORD)
    first = datetime.now(UTC).date() + timedelta(days=3)
    expected: dict[str, str] = {}
    with Moves(installation, shop) as moves:
        for number in range(12):
            day = first + timedelta(days=number)
            read(office, f"{root}/new?provider={shop.provider_id}&date={day}&time=10:00")
            booked = persist(office, office.page.form("Book"), name=f"Guest {number}")
            assert booked.path.startswith(f"{root}/appointments/"), booked.text
            if number % 3 == 1:
                read(office, f"{booked.path}/move?date={day}&time=14:00&provider={shop.provider_id}")
                moved = persist(office, office.page.form("Move the appointment"))
                assert "Moved." in moved.text or "14:00" in moved.text, moved.text
                expected[booked.path] = "14:00"
            elif number % 3 == 2:
                read(office, f"{booked.path}/cancel")
                persist(office, office.page.form("Cancel the appointment"))
                expected[booked.path] = "Cancelled"
            else:
                expected[booked.path] = "10:00"
    assert len(moves.done) >= 2, "the business was moved while the receptionist worked"
    for path, shown in expected.items():
        assert shown in read(office, path).text
    listed = [read(office, f"{root}/day?date={first + timedelta(days=each)}&view=list").text for each in range(12)]
    assert [text.count("Guest ") for text in listed] == [0 if each % 3 == 2 else 1 for each in range(12)]
    verified = installation.extraction("verify")
    assert verified.returncode == 0, verified.stdout
