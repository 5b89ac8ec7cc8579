"""The notes of each learner: predictions, values before and after, and the latest check of each step."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from deploy.devstack.keys import write_private
from loadtests.learning.steps.model import LiveValue, StepCondition

FILE = "learning.json"
MAX_PREDICTION = 120


class StepNotes(Struct, frozen=True, kw_only=True):
    """One learner's notes about a step. `before` was read at the prediction, `after` at the last check that passed."""

    prediction: str
    before: tuple[LiveValue, ...]
    began_at: datetime
    checked_at: datetime | None = None
    conditions: tuple[StepCondition, ...] = ()
    passed_at: datetime | None = None
    after: tuple[LiveValue, ...] = ()

    @property
    def is_passed(self) -> bool:
        return self.passed_at is not None


LearnerNotes = dict[str, StepNotes]
"""By the step's slug."""


class LearningProgress:
    """Stores the notes in one private file, by e-mail address, so that they survive a restart. Thread-safe.

    A damaged file counts as empty. Raises OSError when the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()

    def notes(self, learner: str) -> LearnerNotes:
        """Return the notes of one learner; empty before the first prediction."""
        with self._lock:
            return self._read().get(learner, {})

    def begin(self, learner: str, step: str, prediction: str, before: list[LiveValue]) -> None:
        """Record a prediction. The first one counts: a repeated one changes nothing."""
        with self._lock:
            found = self._read()
            notes = found.setdefault(learner, {})
            if step not in notes:
                notes[step] = StepNotes(prediction=prediction, before=tuple(before), began_at=datetime.now(UTC))
                self._write(found)

    def record_check(
        self, learner: str, step: str, conditions: list[StepCondition], values: list[LiveValue]
    ) -> StepNotes | None:
        """Record a check, and return the notes; None for a step that was not begun. A passed step stays passed."""
        with self._lock:
            found = self._read()
            notes = found.get(learner, {}).get(step)
            if notes is None:
                return None
            now = datetime.now(UTC)
            changed = msgspec.structs.replace(notes, checked_at=now, conditions=tuple(conditions))
            if all(each.is_met for each in conditions):
                changed = msgspec.structs.replace(changed, passed_at=notes.passed_at or now, after=tuple(values))
            found[learner][step] = changed
            self._write(found)
            return changed

    def forget(self, learner: str) -> None:
        """Delete the notes of one learner. Nothing else in the system changes."""
        with self._lock:
            found = self._read()
            if found.pop(learner, None) is not None:
                self._write(found)

    def _read(self) -> dict[str, LearnerNotes]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, dict[str, StepNotes]])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}

    def _write(self, notes: dict[str, LearnerNotes]) -> None:
        write_private(self._path, msgspec.json.encode(notes).decode())
