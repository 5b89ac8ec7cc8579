"""Throughput of two servers measured in alternating blocks, so that disturbances of the machine affect both alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploy.errors import CommandError
from loadtests.generator.estimates import Estimate, ratio
from loadtests.harness.cores import Cores
from loadtests.harness.cpu_time import CpuSeconds, cpu_seconds, cpu_seconds_between, format_cpu_per_request
from loadtests.harness.saturation import MAX_LOAD_CPU, SaturationResult, saturate

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Contender:
    """A server, the requests that it receives, and the status that each response must have.

    `processes` (name to process id) are those whose processor time counts as the server's.
    """

    name: str
    port: int
    requests: Iterator[bytes]
    status: int
    processes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """The number of block pairs, and the seconds of each block and of the warm-up."""

    pairs: int
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True)
class MeasuredBlock:
    load: SaturationResult
    spent: CpuSeconds


@dataclass(frozen=True, slots=True)
class PairedResult:
    """The ratio of both throughputs, and the blocks behind it."""

    ratio: Estimate
    subject: Sequence[MeasuredBlock]
    floor: Sequence[MeasuredBlock]

    def lines(self, subject: str, floor: str) -> list[str]:
        """Return a line for each contender, and one for the load generator's processor use."""
        cpu = max(block.load.cpu for block in (*self.subject, *self.floor))
        warning = "  TOO MUCH: it may have limited the throughput" if cpu > MAX_LOAD_CPU else ""
        return [
            _format_contender(subject, self.subject),
            _format_contender(floor, self.floor),
            f"{'the generator used':<24} {cpu:>7.0%} of its core{warning}",
        ]


def compare_throughput(subject: Contender, floor: Contender, plan: BlockPlan, cores: Cores) -> PairedResult:
    """Measure blocks in the order A B, B A, A B, …, so that a drift of the machine favours neither contender."""
    blocks: dict[str, list[MeasuredBlock]] = {subject.name: [], floor.name: []}
    with cores.generating_load():
        for contender in (subject, floor):
            _measure_block(contender, plan.warm_up)
        for pair in range(plan.pairs):
            for contender in (subject, floor) if pair % 2 == 0 else (floor, subject):
                blocks[contender.name].append(_measure_block(contender, plan.seconds))
    pairs = zip(blocks[subject.name], blocks[floor.name], strict=True)
    return PairedResult(
        ratio([(one.load.throughput, other.load.throughput) for one, other in pairs]),
        blocks[subject.name],
        blocks[floor.name],
    )


def _measure_block(contender: Contender, seconds: float) -> MeasuredBlock:
    before = cpu_seconds(contender.processes)
    load = saturate(contender.port, contender.requests, connections=CONNECTIONS, seconds=seconds)
    wrong = {status: count for status, count in load.answers.items() if status != contender.status}
    if wrong or not load.answers:
        raise CommandError(
            f"{contender.name} responded with {wrong or 'nothing'} instead of {contender.status}: "
            "its throughput cannot be measured"
        )
    return MeasuredBlock(load, cpu_seconds_between(before, cpu_seconds(contender.processes)))


def _format_contender(name: str, blocks: Sequence[MeasuredBlock]) -> str:
    throughput = sum(block.load.throughput for block in blocks) / len(blocks)
    answers = sum(block.load.answers.total() for block in blocks)
    return f"{name:<24} {throughput:>7.0f}/s  {format_cpu_per_request([block.spent for block in blocks], answers)}"
