"""Changes of event delivery: replay dead letters."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from deploy.console.changes.change import Fact, OperatorChange, Preview, Report, Who
from deploy.dead_letters import open_letters, replay_letters
from monolith.cutover.service import ControlPlane
from monolith.cutover.wording import count_of


class ReplayLetters(OperatorChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Publish dead letters to their consumer again: one, or all of them."""

    kind: ClassVar[str] = "replay-letters"
    title: ClassVar[str] = "Replay dead letters"
    button: ClassVar[str] = "Replay"
    page: ClassVar[str] = "ops.events"

    consumer: Literal["billing", "notifications"]
    letter: Annotated[str, Meta(max_length=60, pattern=r"^[0-9-]+$(?!\n)")] | None = None

    @property
    def subject(self) -> str:
        return f"events {self.consumer}"

    def preview(self, plane: ControlPlane) -> Preview:
        with open_letters(self.consumer) as letters:
            count = letters.count()
        which = "--all" if self.letter is None else self.letter
        return Preview(
            sentence=f"{'Every dead letter' if self.letter is None else 'This event'} of {self.consumer} is published "
            "to it again. Fix the cause first; an event that was already applied has no further effect.",
            command=f"extraction events replay {self.consumer} {which}",
            expected="any",
            facts=(Fact("dead letters", str(count)),),
            refused=None if count else f"{self.consumer} has no dead letters.",
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        count = replay_letters(self.consumer, () if self.letter is None else (self.letter,))
        return f"{count_of(count, 'event', 'events')} of {self.consumer} in the stream again"
