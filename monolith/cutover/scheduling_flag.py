"""The flag `scheduling.adapter`: which adapter, and with it which database, new businesses should use."""

from collections.abc import Mapping
from typing import Literal, cast, get_args
from uuid import UUID

from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext

from contracts.scheduling.values import DatabaseName
from monolith.shared.flags.store import SCHEDULING_ADAPTER

AdapterName = Literal["in_process", "http"]
FlagValue = str
"""A value of the flag: `in_process`; `http`, for the least loaded database of the service; or `http:` and the name of
one."""

DATABASE_OF: Mapping[AdapterName, DatabaseName] = {"in_process": "monolith", "http": "scheduling"}
"""The database of each adapter, where the service has one only."""

DEFAULT: AdapterName = "in_process"
"""The value of a flag that was never set."""


def adapter_for(database: DatabaseName) -> AdapterName:
    """Return the adapter that reaches a database."""
    return "in_process" if database == "monolith" else "http"


def requesting(database: DatabaseName) -> str:
    """Return the arguments of `extraction flag set` that request a database."""
    adapter = adapter_for(database)
    return adapter if DATABASE_OF[adapter] == database else f"{adapter} --database {database}"


def adapter_in(value: FlagValue) -> AdapterName:
    """Return the adapter of a value. An unknown value counts as the default."""
    adapter = value.partition(":")[0]
    return cast(AdapterName, adapter) if adapter in get_args(AdapterName) else DEFAULT


def database_in(value: FlagValue) -> DatabaseName | None:
    """Return the database that a value names; None for the one of the adapter, or the least loaded."""
    return value.partition(":")[2] or None


class SchedulingFlag:
    """The adapter that an operator requests for new businesses; for existing ones the routing table decides."""

    def __init__(self, client: OpenFeatureClient) -> None:
        self._client = client

    def adapter_for(self, business_id: UUID) -> AdapterName:
        """Return the adapter that a new business with this id should use. An unknown value counts as the default."""
        return adapter_in(self.value_for(business_id))

    def value_for(self, business_id: UUID) -> FlagValue:
        """Return the flag's value for a new business with this id."""
        context = EvaluationContext(targeting_key=str(business_id))
        return self._client.get_string_value(SCHEDULING_ADAPTER, DEFAULT, context)
