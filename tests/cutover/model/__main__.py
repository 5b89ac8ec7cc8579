"""`python -m tests.cutover.model`: check the protocol, and that its known ways to break are found."""

import sys
import time

from tests.cutover.model.check import Result, check
from tests.cutover.model.protocol import Flaws


def main() -> None:
    began = time.monotonic()
    result = check()
    print(f"{result.states:,} states in {time.monotonic() - began:.1f} s: {_verdict(result)}")  # noqa: T201
    wrong = result.broken is not None
    for name in Flaws._fields:
        found = check(Flaws(**{name: True}))
        print(f"with {name}: {_verdict(found)}")  # noqa: T201
        wrong = wrong or found.broken is None
    sys.exit(wrong)


def _verdict(result: Result) -> str:
    if result.broken is None:
        return "every promise holds"
    return f"{result.broken}\n" + "\n".join(f"    {step}" for step in result.trace)


if __name__ == "__main__":
    main()
