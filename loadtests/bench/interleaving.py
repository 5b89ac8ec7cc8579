"""Two servers, measured in turns, so that whatever else the machine does meets both alike."""

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
    """A server, the requests it is asked, and the status that each answer must have.

    `processes` are those whose processor time counts as the server's, by name.
    """

    name: str
    port: int
    requests: Iterator[bytes]
    status: int
    processes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """How long and how often: `pairs` blocks of `seconds` each for either side, after a warm-up."""

    pairs: int
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True)
class MeasuredBlock:
    """What one block of one side came to."""

    load: SaturationResult
    spent: CpuSeconds


@dataclass(frozen=True, slots=True)
class PairedResult:
    """The ratio of the two throughputs, and what makes it believable."""

    ratio: Estimate
    subject: Sequence[MeasuredBlock]
    floor: Sequence[MeasuredBlock]

    def lines(self, subject: str, floor: str) -> list[str]:
        """For the screen: what each side did, and how hard the generator worked."""
        cpu = max(block.load.cpu for block in (*self.subject, *self.floor))
        verdict = "  TOO MUCH: it may be what was measured" if cpu > MAX_LOAD_CPU else ""
        return [
            _in_words(subject, self.subject),
            _in_words(floor, self.floor),
            f"{'the generator used':<24} {cpu:>7.0%} of its core{verdict}",
        ]


def compare_throughput(subject: Contender, floor: Contender, plan: BlockPlan, cores: Cores) -> PairedResult:
    """Blocks in the order A B, B A, A B, …: a drift of the machine does not favour the one that comes first."""
    blocks: dict[str, list[MeasuredBlock]] = {subject.name: [], floor.name: []}
    with cores.for_generator():
        for contender in (subject, floor):
            _block(contender, plan.warm_up)
        for pair in range(plan.pairs):
            for contender in (subject, floor) if pair % 2 == 0 else (floor, subject):
                blocks[contender.name].append(_block(contender, plan.seconds))
    pairs = zip(blocks[subject.name], blocks[floor.name], strict=True)
    return PairedResult(
        ratio([(one.load.throughput, other.load.throughput) for one, other in pairs]),
        blocks[subject.name],
        blocks[floor.name],
    )


def _block(contender: Contender, seconds: float) -> MeasuredBlock:
    before = cpu_seconds(contender.processes)
    load = saturate(contender.port, contender.requests, connections=CONNECTIONS, seconds=seconds)
    wrong = {status: count for status, count in load.answers.items() if status != contender.status}
    if wrong or not load.answers:
        raise CommandError(
            f"{contender.name} answered {wrong or 'nothing'} where every answer should have been {contender.status}: "
            "nothing can be said about its speed"
        )
    return MeasuredBlock(load, cpu_seconds_between(before, cpu_seconds(contender.processes)))


def _in_words(name: str, blocks: Sequence[MeasuredBlock]) -> str:
    throughput = sum(block.load.throughput for block in blocks) / len(blocks)
    answers = sum(block.load.answers.total() for block in blocks)
    return f"{name:<24} {throughput:>7.0f}/s  {format_cpu_per_request([block.spent for block in blocks], answers)}"
