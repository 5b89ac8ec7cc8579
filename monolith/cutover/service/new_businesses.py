"""The database of single new businesses, chosen by an operator and not by the flag."""

from uuid import UUID

from monolith.cutover.scheduling_flag import ADAPTER_FOR, DATABASE_OF, AdapterName
from monolith.cutover.service.errors import ExtractionFinalized
from monolith.cutover.service.finalization import FinalizationMark
from monolith.cutover.store import ownership
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import FlagStore


class NewBusinesses:
    """Chooses where a business that is not open yet is opened. The flag, and with it every other business, is left
    alone."""

    def __init__(self, flags: FlagStore, cutover: ModuleDatabase) -> None:
        self._flags, self._cutover, self._mark = flags, cutover, FinalizationMark(flags)

    def require_adapter(self, adapter: AdapterName) -> None:
        """Raise ExtractionFinalized for the monolith's own database after the extraction was finalized."""
        if adapter == "in_process" and self._mark.is_set():
            raise ExtractionFinalized

    def choose_adapter(self, business_id: UUID, adapter: AdapterName, *, actor: str, reason: str) -> AdapterName:
        """Let the business be opened with `adapter`, and return the adapter that it has from now on.

        That is another one if the business has been opened before, or its adapter chosen. Audited. Raises
        ExtractionFinalized.
        """
        self.require_adapter(adapter)
        subject = f"business:{business_id}"
        self._flags.record("adapter.chosen", subject, actor=actor, reason=reason, details=adapter)
        with self._cutover.transaction() as connection:
            return ADAPTER_FOR[ownership.claim(connection, business_id, DATABASE_OF[adapter]).owner]
