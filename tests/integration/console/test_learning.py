"""The learning path in the console: predictions first, checks that ask the system, changes by operators only."""

from collections.abc import Iterator

import pytest

from loadtests.learning.steps import STEPS
from tests.console_process import OPERATOR, PASSWORD, VIEWER, ConsoleSite
from tests.e2e.browser import Browser
from tests.polling import eventually

REPLICATION = "/learn/steps/replication"


@pytest.fixture
def learner(console: ConsoleSite) -> Browser:
    """A browser of an operator without notes, in a system with the default adapter of a new one."""
    console.sql("DELETE FROM platform.flag")
    browser = console.browser(OPERATOR)
    start_over(browser)
    return browser


def start_over(browser: Browser) -> None:
    if "Delete my notes" in browser.open("/learn/start-over").source:
        browser.submit("Delete my notes", confirmed="yes")


def test_instructions_and_values_follow_the_prediction(learner: Browser) -> None:
    before = learner.open(REPLICATION)
    for hidden in ("extraction replicate start", "Both directions stream", "changes not replicated yet"):
        assert hidden not in before.text
    assert [form.action for form in before.forms][1:] == [f"{REPLICATION}/predict"]
    learner.submit("Predict", prediction="none")
    assert learner.page.path == REPLICATION
    for shown in ("extraction replicate start", "you predicted none", "Before, at", "nothing is replicated", "Hint"):
        assert shown in learner.page.text


def test_a_check_names_the_missing_condition_and_what_the_system_answers(learner: Browser) -> None:
    learner.open(REPLICATION)
    learner.submit("Predict", prediction="none")
    learner.submit("Check my step")
    assert "Not yet: Both directions are streaming." in learner.page.text
    assert "monolith to scheduling: not started" in learner.page.text
    assert "begun" in learner.open("/learn/").text


def test_a_step_that_the_system_already_fulfils_is_passed_at_once(learner: Browser) -> None:
    learner.open("/learn/steps/boundaries")
    learner.submit("Predict", prediction="0")
    learner.submit("Check my step")
    assert "every condition holds" in learner.page.text
    assert "Values when it was passed" in learner.page.text
    assert "Read the code and what it costs below, then continue with step 2" in learner.page.text
    assert "Continue with step 2" in learner.open("/learn/").text


@pytest.fixture
def beside_a_demo(console: ConsoleSite) -> Iterator[None]:
    """Let the console take its folder for that of a demo."""
    record = console.data / "run" / "processes.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text("[]")
    yield
    record.unlink()


@pytest.mark.usefixtures("beside_a_demo")
def test_do_it_for_me_makes_the_change_of_the_console_and_is_audited(console: ConsoleSite, learner: Browser) -> None:
    learner.open("/learn/steps/service")
    learner.submit("Predict", prediction="one")
    learner.submit("Set the default to http")
    eventually(lambda: "in_process -> http" in learner.open(learner.page.url).text, "the change")
    actor, _, value, reason = console.audited("console.requested")[-1]
    assert (actor, reason) == (f"operator:{OPERATOR}", "learning path, step 5: The service")
    assert value == {"kind": "set-default", "adapter": "http"}


@pytest.mark.usefixtures("beside_a_demo")
def test_an_exercise_that_moves_a_business_first_asks_for_replication(learner: Browser) -> None:
    learner.open("/learn/break-it")
    offered = {form.action.rpartition("/")[2] for form in learner.page.forms if "Break it" in form.buttons}
    assert offered == {"slow-database", "partition"}
    learner.follow("Start replication")
    assert learner.page.path == "/ops/changes/start-replication"


def test_outside_a_demo_every_change_is_confirmed_on_its_own_page(console: ConsoleSite, learner: Browser) -> None:
    learner.open("/learn/steps/service")
    learner.submit("Predict", prediction="one")
    before = console.audited("console.requested")
    learner.submit("Set the default to http")
    assert learner.page.path == "/ops/changes/set-default"
    assert console.audited("console.requested") == before
    learner.submit("Set the default", reason="confirmed")
    assert console.audited("console.requested")[-1][3] == "confirmed"


def test_a_viewer_learns_and_changes_nothing(console: ConsoleSite) -> None:
    viewer = console.browser(VIEWER)
    start_over(viewer)
    viewer.open("/learn/steps/service")
    viewer.submit("Predict", prediction="one")
    assert "Your role is viewer" in viewer.page.text
    assert "Set the default to http" not in viewer.page.source
    headers = {"Origin": console.url, "Sec-Fetch-Site": "same-origin"}
    for path in ("/learn/steps/service/do/1", "/learn/break-it/partition"):
        assert viewer.session.post(console.url + path, headers=headers, timeout=10).status_code == 403
    assert [subject for _, subject, *_ in console.audited("console.denied")][-2:] == [
        "POST /learn/steps/service/do/1",
        "POST /learn/break-it/partition",
    ]
    viewer.open("/learn/steps/service")
    viewer.submit("Check my step")
    assert "Not yet: The scheduling service is ready." in viewer.page.text


def test_do_it_for_me_needs_a_recent_password(console: ConsoleSite, learner: Browser) -> None:
    learner.open("/learn/steps/service")
    form = learner.submit("Predict", prediction="one").form("Set the default to http")
    console.age_sessions()
    assert learner.send(form).status == 403
    learner.open("/learn/steps/service")
    learner.follow("Sign in again")
    learner.submit("Sign in", email=OPERATOR, password=PASSWORD)
    assert learner.page.path == "/learn/steps/service"


def test_starting_over_is_confirmed(learner: Browser) -> None:
    learner.open("/learn/steps/flip")
    learner.submit("Predict", prediction="20 ms")
    form = learner.open("/learn/start-over").form("Delete my notes")
    assert learner.send(form).status == 400
    assert "Continue with" in learner.open("/learn/").text
    learner.send(form, confirmed="yes")
    assert "Begin with step 1" in learner.page.text


def test_every_step_is_a_page_without_scripts_and_exercises_need_a_demo(learner: Browser) -> None:
    for step in STEPS:
        page = learner.open(f"/learn/steps/{step.slug}").text
        assert step.question.text in page
        for part in ("Predict", "The code", "What it costs"):
            assert part in page, step.slug
    assert "none runs in it" in learner.open("/learn/break-it").text
    assert "DON'T EXTRACT" in learner.open("/learn/should-you").text
    assert "MB scheduling's routes in a web process of their own" in learner.page.text, "each arm is explained"
