"""An operator in the console of a demo, and failures that the demo's supervisor does not repair."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from deploy.demo_data import OPERATOR
from deploy.devstack.environment import inherited
from tests.e2e.browser import Browser, Page
from tests.e2e.demo import Demo, Installation
from tests.polling import eventually
from tests.servers import ROOT

SERVICE = "scheduling_service.wsgi:app"
CUTOVER_DAEMON = "monolith.cutover.daemon"
SUBSCRIBERS = "logical replication apply worker"


def operator_of(installation: Installation) -> Browser:
    """Return a browser that is signed in to the console as the demo's operator."""
    browser = Browser(installation.console_url)
    browser.open("/ops/sign-in")
    browser.submit("Sign in", email=OPERATOR.email, password=OPERATOR.password)
    return browser


def confirm(operator: Browser, button: str, outcome: str, **typed: str) -> Page:
    """Submit the form of a change, and return the page of its request, once that has ended with `outcome`."""
    operator.submit(button, **typed)
    request = operator.page.path
    assert request.startswith("/ops/requests/"), operator.page.text
    eventually(lambda: f">{outcome}</span>" in operator.open(request).source, f"the outcome {outcome!r}", seconds=90)
    return operator.page


@contextmanager
def frozen(demo: Demo, words: str) -> Iterator[None]:
    """Freeze processes by words of their command: they neither answer nor end, so the supervisor starts no others."""
    below = psutil.Process(demo.pid).children(recursive=True)  # type: ignore[no-untyped-call]
    found = [process for process in below if words in " ".join(process.cmdline())]
    assert found
    for process in found:
        process.suspend()
    try:
        yield
    finally:
        for process in found:
            # Its parent may have ended it already.
            with suppress(psutil.NoSuchProcess):
                process.resume()


def kill_controller(installation: Installation, failpoint: str, *command: str) -> None:
    """Run a command of `extraction` that is killed at a failpoint of its cutover."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.e2e.dying_command", failpoint, *command],
        cwd=ROOT,
        env={**inherited(), **installation.settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
