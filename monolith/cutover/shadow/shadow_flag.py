"""Typed access to the flag `scheduling.shadow`."""

from uuid import UUID

from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext

from monolith.shared.flags.store import SCHEDULING_SHADOW

NO_SHADOWING = 0.0
"""The value until the flag is set: no shadow reads."""


class ShadowFlag:
    """The share of a business's reads that are repeated on the adapter that does not own it."""

    def __init__(self, client: OpenFeatureClient) -> None:
        self._client = client

    def percent_for(self, business_id: UUID) -> float:
        """Return the percentage, 0 to 100. An invalid value counts as 0."""
        context = EvaluationContext(targeting_key=str(business_id))
        value = self._client.get_float_value(SCHEDULING_SHADOW, NO_SHADOWING, context)
        return value if 0 <= value <= 100 else NO_SHADOWING
