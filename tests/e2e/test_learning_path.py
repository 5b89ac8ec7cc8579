"""The learning path from the first step to the last on a demo of its own: every command, check and exercise."""

import re
from collections.abc import Iterator

import pytest

from deploy.demo_data import OPERATOR
from loadtests.learning.closing_pages import EXERCISES
from loadtests.learning.steps import STEPS
from loadtests.learning.steps.model import LearningStep
from tests.e2e.browser import Browser
from tests.e2e.demo import Demo, Installation, new_installation
from tests.polling import eventually

REQUEST_SECONDS = 180.0
CHECK_SECONDS = 60.0
ENDED = ("done", "failed", "withdrawn")
_OUTCOME = re.compile(r'class="outcome"><span class="state \w+">(\w+)<')


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = new_installation(tmp_path_factory.mktemp("learning") / "data")
    with Demo(installation):
        yield installation


@pytest.mark.long
def test_every_step_and_every_exercise_on_a_running_demo(installation: Installation) -> None:
    learner = Learner(installation)
    for step in STEPS[:8]:
        learner.takes(step)
    for exercise in EXERCISES:
        learner.breaks(exercise.title, exercise.name)
    for step in STEPS[8:]:
        learner.takes(step)
    assert "passed every step" in learner.browser.open("/learn/").text
    costs = learner.browser.open("/learn/should-you").text
    for measured in ("scheduling-web", "means of", "median", "DON'T EXTRACT"):
        assert measured in costs


class Learner:
    """An operator who predicts, lets each action run, and checks until the system agrees."""

    def __init__(self, installation: Installation) -> None:
        self.browser = Browser(installation.console_url)

    def signs_in(self) -> None:
        """Enter the password again, because a change needs one of the last 15 minutes."""
        self.browser.open("/ops/sign-in")
        self.browser.submit("Sign in", email=OPERATOR.email, password=OPERATOR.password)

    def takes(self, step: LearningStep) -> None:
        self.signs_in()
        address = f"/learn/steps/{step.slug}"
        self.browser.open(address)
        self.browser.submit("Predict", prediction="a guess")
        begun = [
            self.does(address, action.label) for action in step.actions if not action.label.startswith("Compare none")
        ]
        self.checks(address)
        for request in begun:
            self.awaits(request)
        self.checks(address)

    def does(self, address: str, label: str) -> str:
        """Run an action; return its request. Loads are left running, since their steps are checked under load."""
        self.browser.open(address)
        if "/ops/changes/" in self.browser.submit(label).path:
            self.browser.submit("Undo it", reason="the path is complete")
            return self.browser.page.url
        request = next(link.address for link in self.browser.page.links if "/ops/requests/" in link.address)
        if not label.startswith("Send the load"):
            self.awaits(request)
        return request

    def awaits(self, request: str) -> None:
        def state() -> str | None:
            shown = _OUTCOME.search(self.browser.open(request).source)
            return shown[1] if shown and shown[1] in ENDED else None

        ended = eventually(state, "the end of the request", REQUEST_SECONDS)
        assert ended == "done", self.browser.page.text

    def checks(self, address: str) -> None:
        def passed() -> bool:
            self.browser.open(address)
            return "passed at" in self.browser.submit("Check my step").text

        eventually(passed, f"the check of {address}", CHECK_SECONDS)

    def breaks(self, title: str, name: str) -> None:
        self.signs_in()
        page = self.browser.open("/learn/break-it")
        assert title in page.text
        form = next(form for form in page.forms if form.action.endswith(f"/{name}"))
        self.awaits(self.browser.send(form).url)
        assert "no acknowledged booking was lost" in self.browser.page.text
        assert " 0 lost, 0 duplicated, 0 unexplained" in self.browser.open("/learn/break-it").text
