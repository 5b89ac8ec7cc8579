"""The database of single new businesses, chosen by an operator and not by the flag."""

from uuid import UUID

from monolith.cutover.scheduling_flag import DATABASE_OF, AdapterName, adapter_for
from monolith.cutover.service.flags import AdapterSetting
from monolith.cutover.store import ownership
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import FlagStore


class NewBusinesses:
    """Chooses where a business that is not open yet is opened. The flag, and with it every other business, is left
    alone."""

    def __init__(self, flags: FlagStore, cutover: ModuleDatabase, setting: AdapterSetting) -> None:
        self._flags, self._cutover, self._setting = flags, cutover, setting

    def choose_adapter(self, business_id: UUID, adapter: AdapterName, *, actor: str, reason: str) -> AdapterName:
        """Let the business be opened with `adapter`, and return the adapter that it has from now on.

        That is another one if the business has been opened before, or its adapter chosen. Audited. Raises
        ExtractionFinalized.
        """
        self._setting.require_way_back(adapter)
        subject = f"business:{business_id}"
        self._flags.record("adapter.chosen", subject, actor=actor, reason=reason, details=adapter)
        with self._cutover.transaction() as connection:
            return adapter_for(ownership.claim(connection, business_id, DATABASE_OF[adapter]).owner)
