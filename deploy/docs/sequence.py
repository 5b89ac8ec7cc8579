"""Draw the sequence diagram of `a-write-meets-the-fence.md`; see `diagrams.py`."""

from dataclasses import dataclass
from html import escape

from deploy.docs.diagrams import HEAD, STYLE, text_line

ROW = 34
TOP = 74


@dataclass(frozen=True)
class SequenceMessage:
    """An arrow between two participants, or a note at one of them if `source` is `target`."""

    source: str
    target: str
    text: str


@dataclass(frozen=True)
class SequenceDiagram:
    name: str
    title: str
    width: int
    participants: tuple[tuple[str, str, int], ...]
    """Name, style and horizontal position of each."""
    messages: tuple[SequenceMessage, ...]

    def svg(self) -> str:
        height = TOP + ROW * len(self.messages) + 20
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {height}" role="img">',
            f"<title>{escape(self.title)}</title><style>{STYLE}</style>",
            HEAD,
            f'<rect class="paper" width="{self.width}" height="{height}"/>',
            *(_lifeline(*participant, height) for participant in self.participants),
            *(self._message(number, message) for number, message in enumerate(self.messages)),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _message(self, number: int, message: SequenceMessage) -> str:
        at = {name: x for name, _, x in self.participants}
        start, end, y = at[message.source], at[message.target], TOP + ROW * number + 22
        if start == end:
            width = 6 * len(message.text) + 20
            box = f'<rect class="external" x="{start - width / 2:g}" y="{y - 16}" width="{width}" height="24" rx="4"/>'
            return box + text_line(start, y, "label", message.text)
        label = text_line((start + end) / 2, y - 6, "label halo", message.text)
        return f'<path class="arrow" d="M {start} {y} L {end} {y}" marker-end="url(#head)"/>{label}'


def _lifeline(name: str, style: str, x: int, height: int) -> str:
    box = f'<rect class="{style}" x="{x - 88}" y="14" width="176" height="40" rx="6"/>'
    line = f'<path class="boundary" d="M {x} 54 L {x} {height - 10}"/>'
    return line + box + text_line(x, 39, "title", name)


_WEB, _SOURCE, _CONTROLLER, _TARGET = "Switched adapter", "Monolith database", "Controller", "Scheduling database"

FENCED_WRITE = SequenceDiagram(
    "a-write-meets-the-fence",
    "A booking is refused by the fenced database, waits for the decision and is repeated on the new owner",
    1150,
    ((_WEB, "part", 110), (_SOURCE, "store", 410), (_CONTROLLER, "part", 710), (_TARGET, "store", 1010)),
    (
        SequenceMessage(_CONTROLLER, _SOURCE, "fence: exclusive lock, lease off, watermark"),
        SequenceMessage(_WEB, _SOURCE, "book, key K: shared lock"),
        SequenceMessage(_SOURCE, _SOURCE, "the write waits for the fence to commit"),
        SequenceMessage(_SOURCE, _TARGET, "replication: all earlier changes, then the watermark"),
        SequenceMessage(_SOURCE, _WEB, "lease inactive: NotOwner, no change"),
        SequenceMessage(_WEB, _WEB, "waits for a change notice"),
        SequenceMessage(_CONTROLLER, _TARGET, "has the watermark? equal?"),
        SequenceMessage(_CONTROLLER, _SOURCE, "decide: one row, the only commit point"),
        SequenceMessage(_SOURCE, _WEB, "change notice: new owner, next epoch"),
        SequenceMessage(_CONTROLLER, _TARGET, "activate the lease"),
        SequenceMessage(_WEB, _TARGET, "book, key K again, through the scheduling service"),
        SequenceMessage(_TARGET, _TARGET, "lease active; K is new: one booking"),
        SequenceMessage(_TARGET, _WEB, "the appointment"),
    ),
)
