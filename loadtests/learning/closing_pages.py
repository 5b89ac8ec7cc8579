"""The pages after the steps: break it, should you, start over."""

from typing import NamedTuple, get_args

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from deploy.console.changes.change import Who
from deploy.console.extension import ConsoleContext
from deploy.console.requests import OperatorRequest
from loadtests.learning.commands import ExerciseName, RunExercise
from loadtests.learning.costs import FAILURES, count_lines, measure_delays, measure_processes
from loadtests.learning.observing import SystemObserver
from loadtests.learning.progress import LearningProgress
from loadtests.learning.source_code import cut_excerpt
from loadtests.learning.steps.model import LiveValue, ObservedSystem
from loadtests.learning.verdicts import published_verdicts
from monolith.shared.database import DatabaseUnavailable
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.errors import not_found

_SHOWN_RUNS = 5


class Exercise(NamedTuple):
    """Texts about one exercise: what fails, what to expect, and what to watch on the page `page`, a Flask endpoint."""

    name: ExerciseName
    title: str
    fails: str
    expect: str
    watch: str
    page: str
    needs_replication: bool = False


EXERCISES = (
    Exercise(
        "kill-in-fence",
        "Kill the service inside a fence",
        "A business is moved to scheduling. At the moment at which its writes are fenced and nothing is decided, the "
        "service's processes are killed.",
        "The cutover is decided or aborted, never half of both. The supervisor starts the service again; requests that "
        "got no reply are repeated with their key. Nothing is lost.",
        "The page of the business, state by state",
        "ops.businesses",
        needs_replication=True,
    ),
    Exercise(
        "slow-database",
        "Slow a database",
        "The service's database runs about a fifth of the time, for 8 s.",
        "Requests to the business that scheduling owns are slow, and some may reach their deadline. The business in "
        "the monolith is served as before: that is what the extraction buys.",
        "The bottleneck in a sentence, below the parts",
        "ops.overview",
    ),
    Exercise(
        "partition",
        "Partition",
        "The service accepts connections and sends no reply, for 5 s. To its callers that is a partition of the "
        "network.",
        "Callers wait at most for their deadline; then the circuit breaker opens, and calls are refused at once. Each "
        "write without a reply has an unknown outcome, until its key settles it.",
        "Circuit breakers, and the state of the service",
        "ops.overview",
    ),
)


class ClosingPages:
    def __init__(self, context: ConsoleContext, observer: SystemObserver, progress: LearningProgress) -> None:
        self._context, self._observer, self._progress = context, observer, progress

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/break-it", "break_it", self.break_it)
        pages.add_url_rule("/break-it/<name>", "run_exercise", self.run_exercise, methods=["POST"])
        pages.add_url_rule("/should-you", "should_you", self.should_you)
        pages.add_url_rule("/start-over", "start_over", self.start_over)
        pages.add_url_rule("/start-over", "forget", self.forget, methods=["POST"])

    def break_it(self) -> str:
        self._context.require_viewer()
        runs = [each for each in self._context.requests.latest(100) if isinstance(each.change, RunExercise)]
        directions = self._observer.observe().directions
        return self._context.render(
            "learn/break_it.html",
            exercises=EXERCISES,
            runs=runs[:_SHOWN_RUNS],
            refused=RunExercise(name=EXERCISES[0].name).refused(),
            ledgers=_ledgers(runs),
            is_replicating=any(each.status.subscribed for each in directions),
        )

    def run_exercise(self, name: str) -> Response:
        operator = self._context.require_operator()
        found = next((each for each in get_args(ExerciseName) if each == name), None)
        if found is None:
            raise not_found("exercise")
        change = RunExercise(name=found)
        made = self._context.requests.submit(change, Who(operator.actor, f"learning path: {name}"), "any")
        return redirect(url_for("ops.request", request_id=made.request_id), 303)

    def should_you(self) -> str:
        self._context.require_viewer()
        return self._context.render(
            "learn/should_you.html",
            verdicts=published_verdicts(),
            processes=measure_processes(),
            lines=count_lines(),
            delays=_delays(self._observer.observe()),
            failures=[cut_excerpt(symbol) for symbol in FAILURES],
        )

    def start_over(self) -> str:
        notes = self._progress.notes(self._context.require_viewer().email)
        return self._context.render("learn/start_over.html", notes=notes)

    def forget(self) -> Response:
        operator = self._context.require_viewer()
        if request.form.get("confirmed") != "yes":
            raise ApiError(400, "not_confirmed", "Tick the box to confirm that your notes are deleted.")
        self._progress.forget(operator.email)
        return redirect(url_for("learn.start"), 303)


def _ledgers(runs: list[OperatorRequest]) -> dict[str, list[str]]:
    """Return the lines of the latest completed run of each exercise that report a ledger."""
    latest: dict[str, list[str]] = {}
    for run in runs:
        if run.is_over and isinstance(run.change, RunExercise):
            latest.setdefault(run.change.name, [line for line in run.lines if " writes, " in line])
    return latest


def _delays(observed: ObservedSystem) -> list[LiveValue]:
    try:
        return measure_delays(observed)
    except DatabaseUnavailable as error:
        return [LiveValue("not readable now", error.message)]
