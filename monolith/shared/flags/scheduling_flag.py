"""The flag `scheduling.adapter`, typed."""

from typing import cast, get_args
from uuid import UUID

from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext

from contracts.scheduling.values import Side
from monolith.shared.flags.store import SCHEDULING_ADAPTER

DEFAULT: Side = "in_process"
"""What holds until somebody sets the flag: the monolith as it always was."""


class SchedulingFlag:
    """Which side an operator asks for. Ownership, not this, is what is true of an existing business."""

    def __init__(self, client: OpenFeatureClient) -> None:
        self._client = client

    def side_for(self, business_id: UUID) -> Side:
        """The side that a business of this id should be created on. An unknown value counts as the default."""
        context = EvaluationContext(targeting_key=str(business_id))
        value = self._client.get_string_value(SCHEDULING_ADAPTER, DEFAULT, context)
        return cast(Side, value) if value in get_args(Side) else DEFAULT
