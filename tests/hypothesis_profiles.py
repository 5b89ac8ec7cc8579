"""Hypothesis profiles: the same examples in every ordinary run, new ones in a random search.

- `deterministic`, which `conftest.py` loads: `make test` tries the same examples every time.
- `random`, which `make faults` selects by `--hypothesis-profile`: ten times as many examples, drawn from the seed in
  `--hypothesis-seed`. A test draws the same examples from the same seed whichever tests run with it, so a failure can
  be replayed alone. Hypothesis ignores the seed in the other profile.

Neither depends on earlier runs (there is no example database) or on the load of the machine (there are no deadlines).
"""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

DETERMINISTIC, RANDOM = "deterministic", "random"
EXAMPLES = 15
"""The default in an ordinary run: most properties are checked for each of forty operations."""
SEARCH_FACTOR = 10
SUPPRESSED = (HealthCheck.too_slow,)


def load_profiles() -> None:
    """Register both, and load the deterministic one."""
    base = settings.get_profile("default")  # rather than Hypothesis's own profile for CI
    settings.register_profile(
        DETERMINISTIC,
        base,
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=EXAMPLES,
        suppress_health_check=SUPPRESSED,
    )
    settings.register_profile(
        RANDOM,
        settings.get_profile(DETERMINISTIC),
        derandomize=False,
        max_examples=EXAMPLES * SEARCH_FACTOR,
        print_blob=True,
    )
    settings.load_profile(DETERMINISTIC)
    # Hypothesis also tries constants from the source of every local module that is imported by then, which depends on
    # the tests that ran before in the same process. There is no public setting for it.
    providers._get_local_constants = Constants


def examples(number: int, **changes: Any) -> settings:
    """Return the loaded profile with `number` examples, or `SEARCH_FACTOR` times as many in a random search."""
    return settings(max_examples=number * settings().max_examples // EXAMPLES, **changes)
