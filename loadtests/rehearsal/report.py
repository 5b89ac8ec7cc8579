"""The result of a rehearsal: printed line by line, and written to files."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

HEAD = ("case", "ledger", "writes back after", "reads back after", "failed", "remark")


class CaseResult(Struct, frozen=True):
    """The result of one case. Times are in seconds; `failed` counts requests whose first reply was no success."""

    case: str
    clean: bool
    writes_back_seconds: float
    reads_back_seconds: float
    requests: int
    failed: int
    owner_samples: int
    remark: str = ""
    findings: tuple[str, ...] = ()

    @property
    def row(self) -> tuple[str, ...]:
        return (
            self.case,
            "clean" if self.clean else "NOT CLEAN",
            f"{self.writes_back_seconds:.1f} s",
            f"{self.reads_back_seconds:.1f} s",
            f"{self.failed} of {self.requests}",
            self.remark,
        )


def write_results(results: Sequence[CaseResult], folder: Path, note: str) -> None:
    """Write `results.json` and `results.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(list(results)), indent=2))
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    lines += [f"| {' | '.join(each.row)} |" for each in results]
    (folder / "results.md").write_text("\n".join([note, "", *lines, ""]))
