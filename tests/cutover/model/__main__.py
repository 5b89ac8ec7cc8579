"""`python -m tests.cutover.model`: check the protocol, and that each planted flaw is detected."""

import sys
import time

from tests.cutover.model.check import Result, check
from tests.cutover.model.protocol import Flaws


def main() -> None:
    began = time.monotonic()
    result = check()
    print(f"{result.states:,} states in {time.monotonic() - began:.1f} s: {_describe(result)}")  # noqa: T201
    failed = result.violated is not None
    for name in Flaws._fields:
        found = check(Flaws(**{name: True}))
        print(f"with {name}: {_describe(found)}")  # noqa: T201
        failed = failed or found.violated is None
    sys.exit(failed)


def _describe(result: Result) -> str:
    if result.violated is None:
        return "every invariant holds"
    return f"{result.violated}\n" + "\n".join(f"    {step}" for step in result.trace)


if __name__ == "__main__":
    main()
