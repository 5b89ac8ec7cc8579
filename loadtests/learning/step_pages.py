"""The first page, and a page for each step: predict, do, see, check."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from deploy.console.changes.change import Who
from deploy.console.extension import ConsoleContext
from deploy.console.pages.changes import form_fields
from deploy.console.polling import Snapshot
from deploy.console.requests import OperatorRequest, console_plane
from deploy.errors import CommandError
from loadtests.learning.commands import CommandChange, runs_demo
from loadtests.learning.observing import SystemObserver
from loadtests.learning.progress import MAX_PREDICTION, LearningProgress
from loadtests.learning.source_code import Excerpt, SymbolNotFound, cut_excerpt
from loadtests.learning.steps import STEPS
from loadtests.learning.steps.model import LearningStep, LiveValue, ObservedSystem, StepAction
from monolith.cutover.service import ControlPlane
from monolith.shared.database import DatabaseUnavailable
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.errors import not_found

_FIRST_WAIT_SECONDS = 1.0
_BY_SLUG = {step.slug: step for step in STEPS}
_SEPARATOR = "~"
"""Between a step and a request in the argument of a live page."""


def learn_blueprint() -> Blueprint:
    return Blueprint("learn", __name__, url_prefix="/learn", template_folder="templates")


class StepPages:
    def __init__(self, context: ConsoleContext, observer: SystemObserver, progress: LearningProgress) -> None:
        self._context, self._observer, self._progress = context, observer, progress
        context.live.add("learn", self._live_values)

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/", "start", self.start)
        pages.add_url_rule("/steps/<slug>", "step", self.step)
        pages.add_url_rule("/steps/<slug>/predict", "predict", self.predict, methods=["POST"])
        pages.add_url_rule("/steps/<slug>/check", "check", self.check, methods=["POST"])
        pages.add_url_rule("/steps/<slug>/do/<int:number>", "do", self.do, methods=["POST"])

    def start(self) -> str:
        notes = self._progress.notes(self._context.require_viewer().email)
        following = next((step for step in STEPS if step.slug not in notes or not notes[step.slug].is_passed), None)
        return self._context.render("learn/start.html", steps=STEPS, notes=notes, following=following)

    def step(self, slug: str) -> str:
        operator = self._context.require_viewer()
        step, notes = _find(slug), self._progress.notes(operator.email)
        made = self._request_of(step, request.args.get("request", ""))
        argument = step.slug if made is None else f"{step.slug}{_SEPARATOR}{made.request_id}"
        position = STEPS.index(step)
        return self._context.render(
            "learn/step.html",
            step=step,
            number=position + 1,
            count=len(STEPS),
            previous=STEPS[position - 1] if position else None,
            following=STEPS[position + 1] if position + 1 < len(STEPS) else None,
            notes=notes.get(step.slug),
            measured=self._measured(step),
            excerpts=_excerpts(step),
            actions=self._actions(step),
            is_demo=runs_demo(),
            live=self._context.live.fragment("learn", argument),
            argument=argument,
            most=MAX_PREDICTION,
        )

    def predict(self, slug: str) -> Response:
        operator, step = self._context.require_viewer(), _find(slug)
        prediction = " ".join(request.form.get("prediction", "").split())[:MAX_PREDICTION]
        if not prediction:
            raise ApiError(400, "invalid_request", "Write a prediction first; a guess is enough.", field="prediction")
        self._progress.begin(operator.email, step.slug, prediction, list(_values(step, self._observer.observe())))
        return _to_step(step, "do")

    def check(self, slug: str) -> Response:
        operator, step = self._context.require_viewer(), _find(slug)
        observed = self._observer.observe()
        with console_plane() as plane:
            conditions = list(step.conditions(observed, plane))
        values = list(_values(step, observed))
        if self._progress.record_check(operator.email, step.slug, conditions, values) is None:
            raise ApiError(409, "not_begun", "Write a prediction first: it is compared with what you measure.")
        return _to_step(step, "check")

    def do(self, slug: str, number: int) -> Response:
        """Make the change of an action, audited like any other of the console.

        A dangerous one, and every one outside a demo, continues on the console's own page with its confirmation.
        """
        operator, step = self._context.require_operator(), _find(slug)
        if not 1 <= number <= len(step.actions):
            raise not_found("action")
        with console_plane() as plane:
            change = step.actions[number - 1].build(plane)
            if change.is_dangerous or not runs_demo():
                return redirect(f"{url_for('ops.change', kind=change.kind)}?{urlencode(form_fields(change))}", 303)
            expected = change.preview(plane).expected
        reason = f"learning path, step {STEPS.index(step) + 1}: {step.title}"
        made = self._context.requests.submit(change, Who(operator.actor, reason), expected)
        made.ended.wait(_FIRST_WAIT_SECONDS)
        return _to_step(step, "do", made.request_id)

    def _actions(self, step: LearningStep) -> list[tuple[str, str]]:
        """Return the label of each action, and why it is not possible now; empty if it is."""
        try:
            with console_plane() as plane:
                return [(each.label, _refusal(each, plane)) for each in step.actions]
        except ApiError as error:
            return [(each.label, error.message) for each in step.actions]

    def _request_of(self, step: LearningStep, request_id: str) -> OperatorRequest | None:
        """Return the request that the address names; None for one of an earlier process."""
        try:
            return self._context.requests.get(request_id) if request_id else None
        except ApiError:
            return None

    def _measured(self, step: LearningStep) -> str:
        values = {each.name: each.value for each in _values(step, self._observer.observe())}
        return values.get(step.question.measured, "not measured yet")

    def _live_values(self, snapshot: Snapshot, argument: str) -> Mapping[str, Any]:
        slug, _, request_id = argument.partition(_SEPARATOR)
        step = _find(slug)
        observed = self._observer.observe(snapshot)
        return {"values": _values(step, observed), "made": self._request_of(step, request_id)}


def _refusal(action: StepAction, plane: ControlPlane) -> str:
    """Return why an action is not possible now; empty if it is. The other checks run when it is requested."""
    try:
        change = action.build(plane)
    except CommandError as error:
        return str(error)
    return (change.refused() or "") if isinstance(change, CommandChange) else ""


def _find(slug: str) -> LearningStep:
    if slug not in _BY_SLUG:
        raise not_found("step")
    return _BY_SLUG[slug]


def _values(step: LearningStep, observed: ObservedSystem) -> Sequence[LiveValue]:
    """Return the values of a step; while a database is unreachable, why there are none."""
    try:
        return step.values(observed)
    except DatabaseUnavailable as error:
        return [LiveValue("not readable now", error.message)]


def _excerpts(step: LearningStep) -> list[Excerpt]:
    """Return the code of a step; a symbol of a package that is not installed is left out."""
    found = []
    for symbol in step.symbols:
        try:
            found.append(cut_excerpt(symbol))
        except SymbolNotFound:
            continue
    return found


def _to_step(step: LearningStep, anchor: str, request_id: str | None = None) -> Response:
    return redirect(url_for("learn.step", slug=step.slug, request=request_id, _anchor=anchor), 303)
