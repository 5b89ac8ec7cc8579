"""Results of a soak: its faults, its load and the promises that held, printed and as a page."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.soak.schedule import FAULTS, FaultName

_INTRODUCTION = """\
# Soak

Written by `make soak`: random faults, one after the other, while a generator books and cancels over HTTP, three clients
contend for slots, and two businesses are moved back and forth between the databases.
"""
_MOST_SHOWN = 10


@dataclass
class SoakReport:
    """The result of the faults of a seed.

    `counts` holds the faults that the machine allows, `work` what the clients did.
    """

    seed: int
    seconds: float
    counts: Mapping[FaultName, int] = field(default_factory=dict)
    cutovers: Counter[str] = field(default_factory=Counter)
    work: Mapping[str, int] = field(default_factory=dict)
    promises: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What broke each promise; empty if it held."""

    def judge(self, promise: str, broken_by: Iterable[str]) -> None:
        self.promises[promise] = tuple(broken_by)

    @property
    def held(self) -> bool:
        return bool(self.promises) and not any(self.promises.values())

    def lines(self) -> Iterator[str]:
        """Yield the result in words."""
        yield f"{sum(self.counts.values())} faults: {dict(self.counts)}"
        yield from (f"not injected, since this machine does not allow it: {name}" for name in self._impossible())
        yield f"cutovers: {dict(self.cutovers)}"
        yield from (f"{number:,} {name}" for name, number in self.work.items())
        for promise, broken_by in self.promises.items():
            yield f"{'!' if broken_by else '-'} {promise}: {'broken' if broken_by else 'held'}"
            yield from (f"    {each}" for each in broken_by)
        yield "everything held" if self.held else "a promise was broken"

    def page(self) -> str:
        """Return the result as a Markdown page."""
        verdict = "every promise held" if self.held else "a promise was broken"
        repeat = f"make soak SEED={self.seed} SECONDS={self.seconds:g}"
        summary = f"{datetime.now(UTC):%Y-%m-%d}: {verdict}. `{repeat}` repeats the faults."
        promises = [(promise, _result(broken_by)) for promise, broken_by in self.promises.items()]
        faults = [(name, str(self.counts.get(name, "not allowed on this machine"))) for name in FAULTS]
        work = [(name, f"{number:,}") for name, number in self.work.items()]
        work += [(f"cutovers: {outcome}", f"{number:,}") for outcome, number in sorted(self.cutovers.items())]
        tables = [
            *_table("Promises", ("promise", "result"), promises),
            *_table("Faults", ("fault", "times"), faults),
            *_table("Load", ("what", "number"), work),
        ]
        return "\n".join([_INTRODUCTION, summary, *tables, ""])

    def _impossible(self) -> list[FaultName]:
        return [name for name in FAULTS if name not in self.counts]


def _result(broken_by: tuple[str, ...]) -> str:
    return "<br>".join(["broken", *broken_by[:_MOST_SHOWN]]).replace("|", "\\|") if broken_by else "held"


def _table(title: str, head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> list[str]:
    return ["", f"## {title}", "", "| {} | {} |".format(*head), "| --- | --- |", *(f"| {a} | {b} |" for a, b in rows)]
