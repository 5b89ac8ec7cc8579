"""The learning path from the first step to the last on a demo of its own: every command, check and exercise."""

from collections.abc import Iterator

import pytest

from loadtests.learning.closing_pages import EXERCISES
from loadtests.learning.steps import STEPS
from loadtests.learning.steps.model import LearningStep
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.learner import Learner


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = new_installation(tmp_path_factory.mktemp("learning") / "data")
    with Demo(installation):
        yield installation


@pytest.mark.long
def test_every_step_and_every_exercise_on_a_running_demo(installation: Installation) -> None:
    learner = PathLearner(installation)
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


class PathLearner(Learner):
    """Takes each step by its actions alone."""

    def takes(self, step: LearningStep) -> None:
        self.signs_in()
        self.predicts(step.slug)
        begun = [
            # Loads are left running, since their steps are checked under load.
            self.does(step.slug, action.label, wait=not action.label.startswith("Send the load"))
            for action in step.actions
            if not action.label.startswith("Compare none")
        ]
        self.checks(step.slug)
        for request in begun:
            self.awaits(request)
        self.checks(step.slug)

    def breaks(self, title: str, name: str) -> None:
        self.signs_in()
        page = self.browser.open("/learn/break-it")
        assert title in page.text
        form = next(form for form in page.forms if form.action.endswith(f"/{name}"))
        self.awaits(self.browser.send(form).url)
        assert "no acknowledged booking was lost" in self.browser.page.text
        assert " 0 lost, 0 duplicated, 0 unexplained" in self.browser.open("/learn/break-it").text
        assert "median latency" in self.browser.page.text
