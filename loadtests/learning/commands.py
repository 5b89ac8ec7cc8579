"""Changes that run a command of `extraction` for the learning path: load, evidence, exercises."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from deploy.console.changes.change import OperatorChange, Preview, Report, Who
from deploy.console.changes.command_run import run_command
from deploy.devstack.program import ROOT
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError
from monolith.cutover.service import ControlPlane

ExerciseName = Literal["kill-in-fence", "slow-database", "partition"]
SECONDS = 120.0
FINDINGS = (0, 1, 3)
"""Exit codes of a command that ran: 1 reports failed requests, 3 a generator that was late on a busy machine."""


class CommandChange(OperatorChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Runs `words` as a command. It changes no flag and no business of its own."""

    page: ClassVar[str] = "learn.start"
    button: ClassVar[str] = "Run it"
    withdrawal: ClassVar[str] = "Interrupts the command, as Ctrl-C does."
    sentence: ClassVar[str] = ""

    @property
    def subject(self) -> str:
        return "learning path"

    @property
    def words(self) -> tuple[str, ...]:
        raise NotImplementedError

    def refused(self) -> str | None:
        """Return why the command cannot run here; None if it can."""
        return None

    def preview(self, plane: ControlPlane) -> Preview:
        return Preview(
            sentence=self.sentence,
            command=f"extraction {' '.join(self.words)}",
            expected="any",
            refused=self.refused(),
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        return run_command(self.words, report, success=FINDINGS)


class SendLoad(CommandChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send load to the running demo, through each adapter in turn."""

    kind: ClassVar[str] = "send-load"
    title: ClassVar[str] = "Send load"
    sentence: ClassVar[str] = "Searches, bookings and sign-ins are sent to two businesses that were opened for load."

    seconds: Annotated[int, Meta(ge=1, le=120)] = 20
    rate: Annotated[int, Meta(ge=1, le=100)] = 20

    @property
    def words(self) -> tuple[str, ...]:
        return "load", "--seconds", str(self.seconds), "--rate", str(self.rate)

    def refused(self) -> str | None:
        if not runs_demo():
            return "Load is sent to the demo of this folder only, and none runs in it."
        return None if _is_installed("locust") else "Locust is not installed: `make load` installs it."


class GatherEvidence(CommandChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Find the bottleneck of the running product."""

    kind: ClassVar[str] = "gather-evidence"
    title: ClassVar[str] = "Gather evidence"
    sentence: ClassVar[str] = "The metrics pages of both web processes are read for some seconds."

    seconds: Annotated[int, Meta(ge=2, le=120)] = 15

    @property
    def words(self) -> tuple[str, ...]:
        return "evidence", "--seconds", str(self.seconds)

    def refused(self) -> str | None:
        return None if runs_demo() else "No demo runs in the folder of this console."


class RunExercise(CommandChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Break a part of the running demo under load, and check the ledger."""

    kind: ClassVar[str] = "run-exercise"
    title: ClassVar[str] = "Break it"
    button: ClassVar[str] = "Break it"
    page: ClassVar[str] = "learn.break_it"
    is_dangerous: ClassVar[bool] = True
    sentence: ClassVar[str] = "A part of the demo fails for some seconds while two businesses are booked."

    name: ExerciseName

    @property
    def heading(self) -> str:
        return f"{self.title}: {self.name}"

    @property
    def words(self) -> tuple[str, ...]:
        return "exercise", self.name

    def refused(self) -> str | None:
        if not runs_demo():
            return "Exercises break the demo of this folder only, and none runs in it."
        return None if _is_installed("psutil") else "psutil is not installed: `make load` installs it."

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        """A ledger that contradicts the database fails the request."""
        return run_command(self.words, report)


class CheckImports(CommandChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Check the import rules of the repository."""

    kind: ClassVar[str] = "check-imports"
    title: ClassVar[str] = "Check the imports"
    sentence: ClassVar[str] = "The import rules of `pyproject.toml` are checked against the source."

    def refused(self) -> str | None:
        return None if _lint_imports().exists() else "import-linter is not installed: `make check` installs it."

    def preview(self, plane: ControlPlane) -> Preview:
        command, refused = ".venv/bin/lint-imports", self.refused()
        return Preview(sentence=self.sentence, command=command, expected="any", refused=refused)

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        done = subprocess.run(
            [str(_lint_imports())], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        for line in lines:
            report(line)
        if done.returncode:
            raise CommandError(next((line for line in lines if line.endswith("BROKEN")), "a rule is broken"))
        return lines[-1] if lines else "every rule is kept"


def runs_demo() -> bool:
    """Return whether the console belongs to a demo in its folder, whose processes are recorded."""
    return (read_settings(os.environ).data / "run" / "processes.json").exists()


def _lint_imports() -> Path:
    return Path(sys.executable).with_name("lint-imports")


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
