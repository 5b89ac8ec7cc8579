"""The parts of a step. Values are read continuously; conditions are checked on request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Struct

from deploy.console import sources
from deploy.console.changes.change import OperatorChange
from deploy.console.polling import Snapshot
from loadtests.evidence.usage_history import Usage
from monolith.cutover.replication.observer import DirectionObservation
from monolith.cutover.service import ControlPlane
from monolith.cutover.service.observation import ExtractionState
from monolith.cutover.service.standing import Standing
from monolith.cutover.store.shadow_results import ShadowSummary


class LiveValue(Struct, frozen=True, array_like=True):
    """One line of *you should see*, read from this system."""

    name: str
    value: str


class StepCondition(Struct, frozen=True, array_like=True):
    """One condition of a step. `found` is what the system answered."""

    text: str
    is_met: bool
    found: str = ""


class Question(NamedTuple):
    """The prediction that a learner makes. `measured` is the name of the live value that answers it."""

    text: str
    measured: str


class StepAction(NamedTuple):
    """A *do it for me*. `build` chooses the change from the present state, and raises CommandError if there is none."""

    label: str
    build: Callable[[ControlPlane], OperatorChange]


@dataclass(frozen=True, slots=True)
class ObservedSystem:
    """The system at one moment. `shadow` reads the results of the last hour when it is called."""

    snapshot: Snapshot
    usage: Usage
    shadow: Callable[[], Sequence[ShadowSummary]]

    @property
    def extraction(self) -> ExtractionState | None:
        """The control plane's records; None before the first reading."""
        found: ExtractionState | None = self.snapshot.reading(sources.EXTRACTION).value
        return found

    @property
    def standings(self) -> list[Standing]:
        return sources.standings(self.snapshot)

    @property
    def directions(self) -> Sequence[DirectionObservation]:
        """Both directions of replication; empty before the first reading."""
        found: Sequence[DirectionObservation] = self.snapshot.reading(sources.REPLICATION).value or ()
        return found

    def owned_by(self, owner: str) -> list[str]:
        """Return the slugs of the businesses with this owner."""
        return [each.slug for each in self.standings if each.owner == owner]


Values = Callable[[ObservedSystem], Sequence[LiveValue]]
Conditions = Callable[[ObservedSystem, ControlPlane], Sequence[StepCondition]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningStep:
    """One step. Texts may contain commands between backticks; `commands` are those of the solution, in their order.

    `symbols` name the code to read, as `package.module:name`. A test checks that each exists, and each command.
    """

    slug: str
    title: str
    minutes: int
    question: Question
    do: tuple[str, ...]
    see: str
    values: Values
    conditions: Conditions
    why: str
    symbols: tuple[str, ...]
    costs: str
    hint: str
    commands: tuple[str, ...]
    actions: tuple[StepAction, ...] = ()
