"""Recovery of the extraction after a database was restored, or a standby promoted."""

from monolith.cutover.recovery.applying import apply_plan
from monolith.cutover.recovery.evidence import Evidence, read_evidence
from monolith.cutover.recovery.plan import BusinessPlan, Choice, RecoveryPlan, make_plan
from monolith.cutover.recovery.watch import RecoveryWatch, void_everywhere

__all__ = [
    "BusinessPlan",
    "Choice",
    "Evidence",
    "RecoveryPlan",
    "RecoveryWatch",
    "apply_plan",
    "make_plan",
    "read_evidence",
    "void_everywhere",
]
