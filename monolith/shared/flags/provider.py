"""OpenFeature provider for the flags in the database; a team with a flag system of its own replaces it.

https://openfeature.dev/specification/sections/providers. The targeting key of an evaluation context is the business id.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from monolith.shared.flags.change_listener import ChangeNotice
from monolith.shared.flags.store import Flags, FlagStore

T = TypeVar("T")


class DatabaseFlags(AbstractProvider):
    """Evaluates flags from memory. `refresh` reloads them at every change notice; the first evaluation loads them.

    A business without an override gets the flag's default; a flag that was never set gets the caller's default value.
    """

    def __init__(self, store: FlagStore) -> None:
        super().__init__()
        self._store = store
        self._flags: Flags | None = None

    def refresh(self, notice: ChangeNotice | None = None) -> None:
        if notice is None or notice.table == "flag":
            self._read()

    def get_metadata(self) -> Metadata:
        return Metadata(name="booking-database-flags")

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        return self._resolve(flag_key, default_value, evaluation_context, str)

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        return self._resolve(flag_key, default_value, evaluation_context, _boolean)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        return self._resolve(flag_key, default_value, evaluation_context, int)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        return self._resolve(flag_key, default_value, evaluation_context, float)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        return _mismatch(default_value, f"{flag_key} is a plain value, not an object")

    def _read(self) -> Flags:
        self._flags = flags = self._store.read()
        return flags

    def _resolve(
        self, key: str, default: T, context: EvaluationContext | None, parse: Callable[[str], T]
    ) -> FlagResolutionDetails[T]:
        business_id = UUID(context.targeting_key) if context and context.targeting_key else None
        flags = self._flags if self._flags is not None else self._read()
        override = flags.get((key, business_id)) if business_id else None
        value = override if override is not None else flags.get((key, None))
        if value is None:
            return FlagResolutionDetails(value=default, reason=Reason.DEFAULT)
        try:
            reason = Reason.STATIC if override is None else Reason.TARGETING_MATCH
            return FlagResolutionDetails(value=parse(value), variant=value, reason=reason)
        except ValueError:
            return _mismatch(default, f"{key} has the value {value!r}")


def _mismatch(default: T, message: str) -> FlagResolutionDetails[T]:
    return FlagResolutionDetails(
        value=default, reason=Reason.ERROR, error_code=ErrorCode.TYPE_MISMATCH, error_message=message
    )


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"
