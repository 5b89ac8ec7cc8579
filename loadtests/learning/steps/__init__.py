"""The ten steps, in their order."""

from typing import Final

from loadtests.learning.steps.ending import FINALIZE, WAY_BACK
from loadtests.learning.steps.model import LearningStep
from loadtests.learning.steps.moving import FLIP, REPLICATION, SHADOW
from loadtests.learning.steps.preparing import BOUNDARIES, EVIDENCE, METRICS
from loadtests.learning.steps.separating import PORT, SERVICE

STEPS: Final[tuple[LearningStep, ...]] = (
    *(BOUNDARIES, METRICS, EVIDENCE, PORT, SERVICE),
    *(REPLICATION, SHADOW, FLIP, WAY_BACK, FINALIZE),
)
