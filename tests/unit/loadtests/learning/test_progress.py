"""The notes of learners survive a restart, and a prediction is never revised."""

from pathlib import Path

import pytest

from loadtests.learning.progress import FILE, LearningProgress
from loadtests.learning.steps.model import LiveValue, StepCondition

ANN, BEN = "ann@example.com", "ben@example.com"
BEFORE, AFTER = [LiveValue("owner", "monolith")], [LiveValue("owner", "scheduling")]
MET, MISSING = StepCondition("It moved.", True), StepCondition("It streams.", False, "not started")


@pytest.fixture
def progress(tmp_path: Path) -> LearningProgress:
    return LearningProgress(tmp_path)


def test_notes_resume_in_another_process(progress: LearningProgress, tmp_path: Path) -> None:
    progress.begin(ANN, "flip", "20 ms", BEFORE)
    progress.record_check(ANN, "flip", [MET, MISSING], AFTER)
    notes = LearningProgress(tmp_path).notes(ANN)["flip"]
    assert (notes.prediction, notes.before) == ("20 ms", tuple(BEFORE))
    assert (notes.conditions, notes.is_passed, notes.after) == ((MET, MISSING), False, ())
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_the_first_prediction_counts(progress: LearningProgress) -> None:
    progress.begin(ANN, "flip", "20 ms", BEFORE)
    progress.begin(ANN, "flip", "7 ms, as measured", AFTER)
    assert progress.notes(ANN)["flip"].prediction == "20 ms"


def test_a_passed_step_stays_passed(progress: LearningProgress) -> None:
    progress.begin(ANN, "flip", "20 ms", BEFORE)
    passed = progress.record_check(ANN, "flip", [MET], AFTER)
    later = progress.record_check(ANN, "flip", [MISSING], BEFORE)
    assert passed is not None
    assert later is not None
    assert (later.passed_at, later.after) == (passed.passed_at, tuple(AFTER))
    assert later.conditions == (MISSING,)


def test_a_check_needs_a_prediction(progress: LearningProgress) -> None:
    assert progress.record_check(ANN, "flip", [MET], AFTER) is None
    assert progress.notes(ANN) == {}


def test_starting_over_deletes_the_own_notes_only(progress: LearningProgress) -> None:
    for learner in (ANN, BEN):
        progress.begin(learner, "flip", "20 ms", BEFORE)
    progress.forget(ANN)
    assert (progress.notes(ANN), list(progress.notes(BEN))) == ({}, ["flip"])


def test_a_damaged_file_counts_as_empty(progress: LearningProgress, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    assert progress.notes(ANN) == {}
    progress.begin(ANN, "flip", "20 ms", BEFORE)
    assert list(progress.notes(ANN)) == ["flip"]
