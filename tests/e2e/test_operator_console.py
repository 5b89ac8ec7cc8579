"""An operator with the console alone: a cutover that stopped is aborted or resumed, and a share of businesses moves."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from monolith.cutover.batches import within_percent
from tests.e2e.browser import Browser
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.operator import CUTOVER_DAEMON, SERVICE, SUBSCRIBERS, confirm, frozen, kill_controller, operator_of
from tests.e2e.shop import Customer, Shop, answered, open_shop
from tests.polling import eventually

pytestmark = pytest.mark.long
PERCENT = 50


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose replication the operator has started in the console."""
    installation = new_installation(tmp_path_factory.mktemp("operator") / "data")
    with Demo(installation) as demo:
        operator = operator_of(installation)
        operator.open("/ops/replication")
        operator.follow("Start")
        confirm(operator, "Start it", "done", reason="before the first move")
        yield demo


@pytest.fixture
def installation(demo: Demo) -> Installation:
    return demo.installation


def test_a_cutover_whose_controller_was_killed_is_aborted_or_resumed(demo: Demo, installation: Installation) -> None:
    shop = open_shop(installation, "stopped-salon", "in_process")
    operator, page = operator_of(installation), f"/ops/businesses/{shop.slug}"
    with frozen(demo, CUTOVER_DAEMON):
        stop_cutover(operator, installation, shop, "http", "after ready")
        assert_no_driver(operator, page)
        operator.follow("Abort")
        assert "stopped-salon stays in monolith" in operator.page.text
        stopped = confirm(operator, "Abort it", "done", reason="not during the peak")
        assert "stays at monolith" in stopped.text
        eventually(lambda: "Served by monolith" in operator.open(page).text, "the owner that it had")
        assert "aborted it: not during the peak" in operator.page.text
        book(installation, shop)

        stop_cutover(operator, installation, shop, "http", "after ready")
        assert_no_driver(operator, page)
        operator.follow("Resume")
        assert "moved to scheduling" in confirm(operator, "Resume it", "done", reason="after the peak").text
        eventually(lambda: "Served by scheduling" in operator.open(page).text, "the new owner")
        book(installation, shop)

        stop_cutover(operator, installation, shop, "in_process", "after decided")
        assert_no_driver(operator, page)
        operator.follow("Abort")
        assert "The cutover is decided and can only be completed" in operator.page.text
        operator.open(page)
        operator.follow("Resume")
        assert "moved to monolith" in confirm(operator, "Resume it", "done", reason="it is decided").text
        eventually(lambda: "Served by monolith" in operator.open(page).text, "the old owner")
        book(installation, shop)


def stop_cutover(operator: Browser, installation: Installation, shop: Shop, adapter: str, failpoint: str) -> None:
    """Begin a cutover whose controller is killed at a failpoint, and open the business's page."""
    kill_controller(
        installation, failpoint, "flag", "set", adapter, "--business", shop.slug, "--reason", "a controller that dies"
    )
    page = f"/ops/businesses/{shop.slug}"
    eventually(lambda: "Cutover under way" in operator.open(page).text, "the strip")


def assert_no_driver(operator: Browser, page: str) -> None:
    """Both the overview and the page of the business say that no process drives the cutover, and what to do."""
    problem = "No process drives it, and the cutover daemon has not settled it: resume or abort it."
    eventually(lambda: problem in operator.open("/ops/").text, "the notice")
    assert "extraction cutover resume stopped-salon" in operator.page.text
    eventually(lambda: problem in operator.open(page).text, "the sentence")
    assert "for a process that drives it" in operator.page.text


def book(installation: Installation, shop: Shop) -> None:
    customer = Customer(installation, shop)
    assert answered(customer.book(answered(customer.slots())["slots"][0]["starts_at"]))["status"] == "booked"


def test_the_console_alone_explains_a_refusal_because_of_lag(demo: Demo, installation: Installation) -> None:
    shop = open_shop(installation, "lagging-salon", "in_process")
    operator, page = operator_of(installation), f"/ops/businesses/{shop.slug}"
    with frozen(demo, SUBSCRIBERS):
        installation.sql("in_process", "SELECT 1 FROM pg_logical_emit_message(true, 'test', repeat('x', 2000000))")
        behind = "monolith to scheduling: 2.0 MB behind"
        eventually(lambda: behind in operator.open("/ops/").text, "the notice")
        assert f"Not possible now: {behind}" in operator.open(page).text
        operator.follow("Move to scheduling")
        assert "It would be refused now, with nothing changed: replication monolith to scheduling" in operator.page.text
        assert "at most 1,000,000 bytes behind" in operator.page.text
        confirm(operator, "Move it", "failed", reason="in spite of it")
        assert f"lagging-salon was not moved: replication is not healthy: {behind}" in operator.page.text
    eventually(lambda: "A move to scheduling is possible" in operator.open(page).text, "the end of the lag")
    operator.follow("Move to scheduling")
    assert "-> scheduling" in confirm(operator, "Move it", "done", reason="it has caught up").text


def test_replication_starts_again_over_old_copies(installation: Installation) -> None:
    shop = open_shop(installation, "copied-salon", "in_process")
    assert installation.extraction("flag", "set", "http", "--business", shop.slug).returncode == 0
    operator = operator_of(installation)
    operator.open("/ops/replication")
    operator.follow("Stop")
    confirm(operator, "Stop it", "done", reason="for a while")
    start = "/ops/changes/start-replication"
    operator.open(start)
    confirm(operator, "Start it", "failed", reason="again")
    assert "use --discard-copies to delete and copy them again" in operator.page.text
    assert "(--discard-copies)" in operator.open(start).text
    confirm(operator, "Start it", "done", reason="and copy again", discard_copies="true")
    eventually(lambda: operator.open("/ops/").text.count("streaming") == 2, "both directions")


def test_a_share_of_the_businesses_moves_and_a_stopped_batch_is_repeated(
    demo: Demo, installation: Installation
) -> None:
    shops = [open_shop(installation, f"shared-salon-{number}", "in_process") for number in range(4)]
    assert installation.extraction("flag", "set", "in_process", "--all").returncode == 0
    operator, share = operator_of(installation), share_of(installation)
    preview(operator, dry_run="true")
    assert f"{len(share)} of {len(owners(installation))}" in operator.page.text
    assert "0 of the 50 %; 0 of all" in operator.page.text
    confirm(operator, "Rehearse it", "done", reason="look first")
    assert "rehearsed and nothing moved" in operator.page.text
    assert set(owners(installation).values()) == {"monolith"}

    preview(operator)
    with frozen(demo, SERVICE):
        confirm(operator, "Move them", "failed", reason="half of them")
        assert "does not answer" in operator.page.text
    assert set(owners(installation).values()) == {"monolith"}

    eventually(lambda: "answered in" in operator.open("/ops/").text, "the service")
    preview(operator)
    moved = confirm(operator, "Move them", "done", reason="half of them, again")
    assert "moved to scheduling and compared" in moved.text
    assert {each for each, owner in owners(installation).items() if owner == "scheduling"} == share

    preview(operator, percent="100")
    assert f"{len(share)} of the 100 %" in operator.page.text
    assert "New businesses follow" in operator.page.text
    confirm(operator, "Move them", "done", reason="all of them")
    assert set(owners(installation).values()) == {"scheduling"}
    eventually(lambda: "The default is http" in operator.open("/ops/flag").text, "the default")
    book(installation, shops[0])
    eventually(lambda: "scheduling service now" in operator.open("/ops/time").text, "charts with their figures as text")


def preview(operator: Browser, percent: str = str(PERCENT), **chosen: str) -> None:
    operator.open("/ops/flag")
    operator.submit("Preview…", target="scheduling", percent=percent, batch="1", **chosen)


def owners(installation: Installation) -> dict[UUID, str]:
    return dict(installation.sql("in_process", "SELECT business_id, owner FROM cutover.ownership"))


def share_of(installation: Installation) -> set[UUID]:
    """Return the businesses in the share, of which there are some."""
    found = {each for each in owners(installation) if within_percent(each, PERCENT)}
    assert found
    return found
