"""Draw the C4 diagrams of `architecture.md` as SVG files: `python -m deploy.docs.diagrams`.

The same command draws the diagram of `sequence.py`.

The Mermaid text of that page shows the same boxes and arrows; change both. Colours follow the reader's light or dark
preference.
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent
LINE = 17

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1b1f24; text-anchor: middle }
.title { font-weight: 600; font-size: 14px } .kind, .label { font-size: 11.5px } .kind { fill: #57606a }
.paper { fill: #ffffff } .person { fill: #fff3d6; stroke: #9a6700 } .part { fill: #ddf4ff; stroke: #0969da }
.store { fill: #dafbe1; stroke: #1a7f37 } .external { fill: #f0f1f3; stroke: #6e7781 }
.boundary { fill: none; stroke: #6e7781; stroke-dasharray: 6 5 }
.arrow { fill: none; stroke: #57606a; stroke-width: 1.4 }
.head { fill: #57606a } .halo { stroke: #ffffff; stroke-width: 5; paint-order: stroke; stroke-linejoin: round }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .kind { fill: #9da7b3 } .paper { fill: #0d1117 } .person { fill: #3a2d0b; stroke: #d29922 }
  .part { fill: #0c2d4d; stroke: #58a6ff } .store { fill: #0f2f1c; stroke: #3fb950 }
  .external { fill: #21262d; stroke: #8b949e } .boundary { stroke: #8b949e } .arrow { stroke: #9da7b3 }
  .head { fill: #9da7b3 } .halo { stroke: #0d1117 }
}
"""


@dataclass(frozen=True)
class Box:
    """A person, container or external system; `x`, `y` is the top left corner."""

    x: int
    y: int
    width: int
    height: int
    style: str
    title: str
    kind: str
    text: tuple[str, ...]

    def svg(self) -> str:
        middle = self.x + self.width / 2
        top = self.y + (self.height - LINE * (1 + len(self.text))) / 2 + 2
        rows = [("title", self.title), ("kind", f"[{self.kind}]"), *(("text", line) for line in self.text)]
        lines = "".join(text_line(middle, top + LINE * n, style, text) for n, (style, text) in enumerate(rows))
        shape = f'<rect class="{self.style}" x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}"'
        return f'{shape} rx="{24 if self.style == "person" else 6}"/>{lines}'


@dataclass(frozen=True)
class Arrow:
    """A line through these points, labelled at `at`, with a head at its end, and at its start if `both`."""

    points: tuple[tuple[int, int], ...]
    label: tuple[str, ...]
    at: tuple[int, int]
    both: bool = False

    def svg(self) -> str:
        path = " L ".join(f"{x} {y}" for x, y in self.points)
        start = ' marker-start="url(#head)"' if self.both else ""
        x, y = self.at
        lines = "".join(text_line(x, y + 14 * n, "label halo", text) for n, text in enumerate(self.label))
        return f'<path class="arrow" d="M {path}" marker-end="url(#head)"{start}/>{lines}'


@dataclass(frozen=True)
class Diagram:
    name: str
    title: str
    width: int
    height: int
    boundary: Box
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    def svg(self) -> str:
        frame = self.boundary
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" role="img">',
            f"<title>{escape(self.title)}</title><style>{STYLE}</style>",
            HEAD,
            f'<rect class="paper" width="{self.width}" height="{self.height}"/>',
            f'<rect class="boundary" x="{frame.x}" y="{frame.y}" width="{frame.width}" height="{frame.height}" rx="6"/>'
            if frame.width
            else "",
            text_line(frame.x + frame.width / 2, frame.y + 20, "kind", frame.title) if frame.width else "",
            *(arrow.svg() for arrow in self.arrows),
            *(box.svg() for box in self.boxes),
            "</svg>",
        ]
        return "\n".join(filter(None, parts)) + "\n"


def text_line(x: float, y: float, style: str, text: str) -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


HEAD = (
    '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
    'orient="auto-start-reverse"><path class="head" d="M 0 0 L 10 5 L 0 10 z"/></marker></defs>'
)
NO_BOUNDARY = Box(0, 0, 0, 0, "boundary", "", "", ())

CONTEXT = Diagram(
    "context",
    "System context: who uses the product and which systems it uses",
    960,
    520,
    NO_BOUNDARY,
    (
        Box(30, 30, 250, 90, "person", "Customer, staff", "Person", ("Books, manages", "appointments and hours")),
        Box(355, 30, 250, 90, "person", "Operator", "Person", ("Requests adapters, moves", "businesses, recovers")),
        Box(680, 30, 250, 90, "person", "Engineer", "Person", ("Learns extraction,", "compares topologies")),
        Box(305, 215, 350, 110, "part", "Extraction", "Software system", (
            "Appointment booking, as a modular monolith",
            "and with scheduling extracted; moves",
            "businesses between the two while in use",
        )),
        Box(30, 410, 250, 80, "external", "Mail server", "External system, SMTP", ("Delivers mails to customers",)),
        Box(355, 410, 250, 80, "external", "Prometheus", "External system", ("Scrapes /metrics",)),
        Box(680, 410, 250, 80, "external", "Load generator", "loadtests, Locust", ("A client of the public API",)),
    ),
    (
        Arrow(((155, 120), (380, 213)), ("pages, JSON API",), (215, 180)),
        Arrow(((480, 120), (480, 213)), ("extraction command",), (480, 170)),
        Arrow(((805, 120), (580, 213)), ("make demo, make peak",), (755, 180)),
        Arrow(((380, 325), (155, 408)), ("mails",), (215, 365)),
        Arrow(((480, 408), (480, 327)), ("scrapes",), (480, 370)),
        Arrow(((805, 408), (580, 327)), ("requests, open arrivals",), (755, 365)),
    ),
)  # fmt: skip

CONTAINERS = Diagram(
    "containers",
    "Containers: the processes and databases of the product and how they communicate",
    1240,
    810,
    Box(255, 15, 970, 780, "boundary", "Extraction", "", ()),
    (
        Box(20, 60, 200, 90, "person", "Customer, staff", "Person", ("Browser or program",)),
        Box(20, 240, 200, 80, "external", "Mail server", "SMTP", ("Mail sink in the demo",)),
        Box(20, 685, 200, 90, "person", "Operator", "Person", ("Command line, browser",)),
        Box(310, 50, 290, 110, "part", "Monolith web", "gunicorn, Flask, :8000", (
            "Pages, /api/v1; auth, billing,",
            "notifications, calendars; engine",
        )),
        Box(310, 225, 290, 110, "part", "Monolith worker", "Python", (
            "Invoices, mails, reminders;",
            "relay of the in-process outbox",
        )),
        Box(890, 50, 290, 110, "part", "Scheduling web", "gunicorn, Flask, :8001", ("The same engine behind HTTP",)),
        Box(890, 225, 290, 110, "part", "Scheduling relay", "Python", (
            "Publishes the outbox;",
            "expires overdue holds",
        )),
        Box(665, 230, 160, 100, "store", "Valkey", "Redis Streams, :6380", (
            "Events, at least once;",
            "counters of rate limits",
        )),
        Box(310, 420, 290, 100, "store", "Monolith database", "Postgres, :5433", (
            "auth, billing, calendars, notifications,",
            "platform, cutover, scheduling",
        )),
        Box(890, 420, 290, 100, "store", "Scheduling database", "Postgres, :5434", ("scheduling",)),
        Box(645, 560, 200, 80, "part", "Cutover daemon", "Python", ("Recovery, rollback",)),
        Box(310, 685, 250, 90, "part", "extraction command", "Python, click", ("Flag, replication, cutover",)),
        Box(645, 685, 250, 90, "part", "Console", "gunicorn, Flask, :8002", ("/ops: the same in a browser",)),
    ),
    (
        Arrow(((220, 105), (308, 105)), ("HTTP",), (282, 97)),
        Arrow(((600, 105), (888, 105)), ("JSON over HTTP: signed token,", "deadline, idempotency key"), (745, 78)),
        Arrow(((600, 140), (745, 140), (745, 228)), ("rate limits",), (745, 185)),
        Arrow(((308, 280), (222, 280)), ("mails",), (248, 272)),
        Arrow(((600, 280), (663, 280)), (), (0, 0), both=True),
        Arrow(((888, 280), (827, 280)), ("",), (0, 0)),
        Arrow(((330, 160), (280, 190), (280, 470), (308, 470)), ("SQL",), (280, 385)),
        Arrow(((455, 335), (455, 418)), ("SQL",), (455, 380)),
        Arrow(((1160, 160), (1200, 190), (1200, 470), (1182, 470)), ("SQL",), (1198, 385)),
        Arrow(((1035, 335), (1035, 418)), ("SQL",), (1035, 380)),
        Arrow(((600, 450), (888, 450)), ("logical replication, both ways,", "during an extraction"), (745, 424), True),
        Arrow(((645, 590), (530, 522)), ("SQL",), (575, 570)),
        Arrow(((845, 590), (960, 522)), ("SQL",), (915, 570)),
        Arrow(((220, 720), (308, 720)), (), (0, 0)),
        Arrow(((220, 760), (265, 760), (265, 787), (770, 787), (770, 777)), ("HTTP",), (600, 780)),
        Arrow(((400, 685), (400, 522)), ("SQL",), (400, 610)),
        Arrow(((560, 700), (600, 700), (600, 662), (1060, 662), (1060, 522)), ("SQL",), (1060, 620)),
        Arrow(((690, 685), (690, 674), (500, 674), (500, 522)), ("SQL",), (500, 610)),
        Arrow(((895, 730), (1110, 730), (1110, 522)), ("SQL",), (1110, 690)),
    ),
)  # fmt: skip


def main() -> None:
    from deploy.docs.sequence import FENCED_WRITE

    for diagram in (CONTEXT, CONTAINERS, FENCED_WRITE):
        (FOLDER / f"{diagram.name}.svg").write_text(diagram.svg())


if __name__ == "__main__":
    main()
