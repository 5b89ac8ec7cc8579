"""How far a laboratory has come: which searches are over, and how many blocks are complete."""

from collections.abc import Sequence

from loadtests.lab.verdict.capacities import TrialRecord


def search_is_over(record: TrialRecord, arm: str, block: int) -> bool:
    """Return whether every search of an arm in a block has ended, and there is at least one."""
    stages = list(dict.fromkeys(trial.stage for trial in record.of("capacity", arm, [block])))
    return bool(stages) and all(record.search(arm, stage).next_rate() is None for stage in stages)


def count_complete_blocks(record: TrialRecord, arms: Sequence[str]) -> int:
    """Return the number of blocks, from the first on, in which every arm was measured."""
    complete = 0
    while arms and all(search_is_over(record, arm, complete + 1) for arm in arms):
        complete += 1
    return complete
