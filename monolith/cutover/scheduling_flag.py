"""The flag `scheduling.adapter`: which adapter, and with it which database, new businesses should use."""

from collections.abc import Mapping
from typing import Literal, cast, get_args
from uuid import UUID

from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext

from contracts.scheduling.values import DatabaseName
from monolith.shared.flags.store import SCHEDULING_ADAPTER

AdapterName = Literal["in_process", "http"]
"""The values of the flag. Each adapter reaches one database; see `DATABASE_OF`."""

DATABASE_OF: Mapping[AdapterName, DatabaseName] = {"in_process": "monolith", "http": "scheduling"}
ADAPTER_FOR: Mapping[DatabaseName, AdapterName] = {database: adapter for adapter, database in DATABASE_OF.items()}

DEFAULT: AdapterName = "in_process"
"""The value of a flag that was never set."""


class SchedulingFlag:
    """The adapter that an operator requests for new businesses; for existing ones the routing table decides."""

    def __init__(self, client: OpenFeatureClient) -> None:
        self._client = client

    def adapter_for(self, business_id: UUID) -> AdapterName:
        """Return the adapter that a new business with this id should use. An unknown value counts as the default."""
        context = EvaluationContext(targeting_key=str(business_id))
        value = self._client.get_string_value(SCHEDULING_ADAPTER, DEFAULT, context)
        return cast(AdapterName, value) if value in get_args(AdapterName) else DEFAULT
