"""The two flags of the extraction, each with a default and overrides per business. Every change is audited."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from monolith.cutover.scheduling_flag import DEFAULT, FlagValue, adapter_in
from monolith.cutover.service.errors import ExtractionFinalized
from monolith.cutover.service.finalization import FinalizationMark
from monolith.shared.flags.store import SCHEDULING_ADAPTER, SCHEDULING_SHADOW, AuditEntry, FlagStore

FLAG_PROPAGATION_SECONDS = 1.0
"""Longest time until every process follows a changed flag."""
_NO_SHADOW_READS = "0"


class AdapterSetting:
    """`scheduling.adapter`, the adapter that operators request. Ownership routes existing businesses, not this flag."""

    def __init__(self, flags: FlagStore) -> None:
        self._flags, self._mark = flags, FinalizationMark(flags)

    def default(self) -> FlagValue:
        """The adapter that new businesses use, and the database, if one was chosen."""
        return self._flags.read().get((SCHEDULING_ADAPTER, None), DEFAULT)

    def overrides(self) -> dict[UUID, FlagValue]:
        """Return the adapter that was requested for single businesses."""
        found = self._flags.read().items()
        return {business: value for (key, business), value in found if key == SCHEDULING_ADAPTER and business}

    def require_way_back(self, adapter: FlagValue) -> None:
        """Raise ExtractionFinalized for the monolith's own database after the extraction was finalized."""
        if adapter_in(adapter) == "in_process" and self._mark.is_set():
            raise ExtractionFinalized

    def set_default(self, adapter: FlagValue, *, actor: str, reason: str) -> FlagValue:
        """Create new businesses with `adapter`, and return the default that it replaces. Raises ExtractionFinalized."""
        self.require_way_back(adapter)
        if self.default() == adapter:
            return adapter
        before = self._flags.set(SCHEDULING_ADAPTER, adapter, business_id=None, actor=actor, reason=reason)
        return before or DEFAULT

    def history(self) -> list[AuditEntry]:
        """The latest 20 audit entries about this flag, newest first."""
        return self._flags.changes(key=SCHEDULING_ADAPTER)


class ShadowShare(NamedTuple):
    """Percentages of the reads that are compared, as text. `overrides` is sorted by slug."""

    default: str
    overrides: dict[str, str]


class ShadowSetting:
    """`scheduling.shadow`: the percentage of reads that both databases answer."""

    def __init__(self, flags: FlagStore, require_replication: Callable[[], None]) -> None:
        self._flags, self._require_replication = flags, require_replication

    def read(self, slugs: dict[UUID, str]) -> ShadowShare:
        values = {business: value for (key, business), value in self._flags.read().items() if key == SCHEDULING_SHADOW}
        default = values.pop(None, _NO_SHADOW_READS)
        overrides = {slugs.get(business, str(business)): value for business, value in values.items() if business}
        return ShadowShare(default, dict(sorted(overrides.items())))

    def set(self, percent: float, business_id: UUID | None, *, actor: str, reason: str) -> str | None:
        """Return the value that it replaces; None when there was none. A default that stays the same is not audited.

        Raises NothingReplicated for a percentage above 0 while there is no copy to compare with.
        """
        if percent > 0:
            self._require_replication()
        if business_id is None and percent == 0 and (SCHEDULING_SHADOW, None) not in self._flags.read():
            return None
        return self._flags.set(SCHEDULING_SHADOW, f"{percent:g}", business_id=business_id, actor=actor, reason=reason)

    def turn_off(self, *, actor: str, reason: str) -> None:
        """Compare no reads of any business from now on. Idempotent."""
        for (key, business_id), value in self._flags.read().items():
            if key == SCHEDULING_SHADOW and value != _NO_SHADOW_READS:
                self._flags.set(key, _NO_SHADOW_READS, business_id=business_id, actor=actor, reason=reason)
