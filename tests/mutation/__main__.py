"""Run a sample of the mutants, and write the page of survivors: `python -m tests.mutation --mutants 60 --seed 1`."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from deploy.devstack.postgres import PostgresServer
from deploy.devstack.valkey import ValkeyServer
from tests.architecture.committed import ROOT, committed
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.targets import TARGETS, MutationTarget

PAGE = ROOT / "deploy/docs/mutants.md"
JUDGED = Path(__file__).with_name("judged.toml")
_LONGEST_SECONDS = 600.0
"""A mutant that takes longer counts as noticed: it waits for something that does not happen."""


class Outcome(NamedTuple):
    part: str
    mutant: Mutant
    noticed: bool


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(mutants: int, seed: int) -> list[Outcome]:
    """Run a sample of `mutants`, spread evenly over the parts."""
    chance, outcomes = random.Random(seed), list[Outcome]()
    with _copy_of_the_repository() as copy, _servers() as settings:
        for target in TARGETS:
            if not _passes(copy, target, settings):
                raise SystemExit(f"the tests of the {target.name} fail without a mutant: repair them first")
            every = [mutant for file in target.files for mutant in mutants_of(copy / file, file)]
            for mutant in chance.sample(every, min(len(every), mutants // len(TARGETS))):
                began = time.monotonic()
                outcomes.append(Outcome(target.name, mutant, _is_noticed(copy, target, mutant, settings)))
                word = "noticed" if outcomes[-1].noticed else "SURVIVED"
                say(f"{word}  {mutant}  {time.monotonic() - began:.0f} s")
    return outcomes


def _is_noticed(copy: Path, target: MutationTarget, mutant: Mutant, settings: Mapping[str, str]) -> bool:
    path = copy / mutant.file
    source = path.read_text()
    path.write_text(mutant.apply(source))
    try:
        return not _passes(copy, target, settings)
    finally:
        path.write_text(source)


def _passes(copy: Path, target: MutationTarget, settings: Mapping[str, str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not long"]
    command += ["-k", target.selected]
    try:
        done = subprocess.run(
            [*command, *target.tests],
            cwd=copy,
            env={**os.environ, **settings, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
            timeout=_LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


@contextmanager
def _copy_of_the_repository() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        for path in committed():
            target = Path(folder) / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        yield Path(folder)


@contextmanager
def _servers() -> Iterator[Mapping[str, str]]:
    """Servers that all runs share."""
    with tempfile.TemporaryDirectory(prefix="mutation-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        limits = {"max_prepared_transactions": "8", "deadlock_timeout": "300ms"}
        urls = {
            f"{name.upper()}_DATABASE_URL": stack.enter_context(
                PostgresServer(Path(folder) / name, name=name, durable=False, settings=limits)
            ).admin_url()
            for name in ("monolith", "scheduling")
        }
        valkey = stack.enter_context(ValkeyServer(Path(folder) / "valkey", durable=False))
        yield {**urls, "REDIS_URL": valkey.url()}


def write_page(outcomes: Sequence[Outcome], mutants: int, seed: int) -> list[str]:
    """Write the page of a sample of `mutants`, and return the survivors without a judgement."""
    judged: dict[str, str] = tomllib.loads(JUDGED.read_text())["survivors"]
    rows, unjudged = [], list[str]()
    for part in dict.fromkeys(outcome.part for outcome in outcomes):
        of_part = [outcome for outcome in outcomes if outcome.part == part]
        rows.append(f"| {part} | {len(of_part)} | {sum(outcome.noticed for outcome in of_part)} |")
    survivors = []
    for outcome in outcomes:
        if not outcome.noticed:
            text = key_of(outcome.mutant)
            if text not in judged:
                unjudged.append(text)
            survivors.append(f"| {outcome.part} | {_cell(text)} | {judged.get(text, 'not judged yet')} |")
    PAGE.write_text(
        f"# Mutants\n\nWritten by `make mutants MUTANTS={mutants} SEED={seed}`: changes of one comparison,\n"
        "connective, constant, condition or return, and whether a test of that part fails. A sample, not every\n"
        "mutant.\n\n"
        "| part | mutants | noticed |\n| --- | ---: | ---: |\n" + "\n".join(rows) + "\n\n## Survivors\n\n"
        "| part | change | judgement |\n| --- | --- | --- |\n" + "\n".join(survivors) + "\n"
    )
    return unjudged


def key_of(mutant: Mutant) -> str:
    """Name a mutant without the number of its line, which moves with every change above it."""
    return f"{mutant.file}: {mutant.code}: {mutant.before} -> {mutant.text.strip() or 'nothing'}"


def _cell(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--mutants", type=int, default=60, help="size of the sample (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="selects the sample (default: 1)")
    given = parser.parse_args()
    unjudged = write_page(run(given.mutants, given.seed), given.mutants, given.seed)
    for text in unjudged:
        say(f"! survived, and is not judged in {JUDGED.name}: {text}")
    sys.exit(bool(unjudged))


if __name__ == "__main__":
    main()
