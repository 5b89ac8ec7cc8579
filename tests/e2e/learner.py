"""A learner in the console: predicts, lets the console act, and checks until the system agrees."""

import re
from collections.abc import Callable

from deploy.demo_data import OPERATOR
from loadtests.learning.steps import STEPS
from tests.e2e.browser import Browser
from tests.e2e.demo import Installation
from tests.polling import eventually

REQUEST_SECONDS = 180.0
CHECK_SECONDS = 60.0
ENDED = ("done", "failed", "withdrawn")
_OUTCOME = re.compile(r'class="outcome"><span class="state \w+">(\w+)<')


def address_of(slug: str) -> str:
    """Return the path of a step's page. Raises StopIteration if there is none."""
    return f"/learn/steps/{next(step.slug for step in STEPS if step.slug == slug)}"


class Learner:
    """The demo's operator in a browser."""

    def __init__(self, installation: Installation) -> None:
        self.browser = Browser(installation.console_url)

    def signs_in(self) -> None:
        """Enter the password again, because a change needs one of the last 15 minutes."""
        self.browser.open("/ops/sign-in")
        self.browser.submit("Sign in", email=OPERATOR.email, password=OPERATOR.password)

    def predicts(self, slug: str) -> None:
        self.browser.open(address_of(slug))
        self.browser.submit("Predict", prediction="a guess")

    def does(self, slug: str, label: str, *, wait: bool = True) -> str:
        """Run an action; return its request. Its end is awaited with `wait`."""
        self.browser.open(address_of(slug))
        if "/ops/changes/" in self.browser.submit(label).path:
            self.browser.submit("Undo it", reason="the path is complete")
            return self.browser.page.url
        request = next(link.address for link in self.browser.page.links if "/ops/requests/" in link.address)
        if wait:
            self.awaits(request)
        return request

    def awaits(self, request: str) -> None:
        def state() -> str | None:
            shown = _OUTCOME.search(self.browser.open(request).source)
            return shown[1] if shown and shown[1] in ENDED else None

        ended = eventually(state, "the end of the request", REQUEST_SECONDS)
        assert ended == "done", self.browser.page.text

    def checks(self, slug: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Press *Check my step* until it passes; `meanwhile` runs before each check."""

        def passed() -> bool:
            meanwhile()
            self.browser.open(address_of(slug))
            return "passed at" in self.browser.submit("Check my step").text

        eventually(passed, f"the check of {slug}", CHECK_SECONDS)

    def passes(self, *slugs: str) -> None:
        """Predict and check steps whose conditions hold."""
        for slug in slugs:
            self.predicts(slug)
            self.checks(slug)
