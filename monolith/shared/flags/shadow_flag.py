"""The flag `scheduling.shadow`, typed."""

from uuid import UUID

from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext

from monolith.shared.flags.store import SCHEDULING_SHADOW

NOTHING = 0.0
"""What holds until somebody sets the flag: the owner alone is asked."""


class ShadowFlag:
    """Which share of a business's reads is to be sent to the side that does not own it, too."""

    def __init__(self, client: OpenFeatureClient) -> None:
        self._client = client

    def percent_for(self, business_id: UUID) -> float:
        """0 to 100. A value that is no percentage counts as 0."""
        context = EvaluationContext(targeting_key=str(business_id))
        value = self._client.get_float_value(SCHEDULING_SHADOW, NOTHING, context)
        return value if 0 <= value <= 100 else NOTHING
