"""The mark that `finalize` leaves: scheduling's rows in the monolith's database are gone for good."""

from monolith.shared.flags.store import FlagStore

_SUBJECT = "extraction"
_FINALIZED = "extraction.finalized"


class FinalizationMark:
    """Kept in the audit log, which is append-only: the latest entry about the extraction decides."""

    def __init__(self, flags: FlagStore) -> None:
        self._flags = flags

    def is_set(self) -> bool:
        latest = self._flags.changes(1, key=_SUBJECT)
        return bool(latest) and latest[0].action == _FINALIZED

    def set(self, actor: str) -> None:
        """Mark the extraction as finalized. Idempotent."""
        if not self.is_set():
            self._flags.record(_FINALIZED, _SUBJECT, actor=actor, reason="finalized")

    def clear(self, actor: str) -> None:
        """Allow a new extraction. Idempotent."""
        if self.is_set():
            self._flags.record("extraction.reopened", _SUBJECT, actor=actor, reason="a new first copy was requested")
