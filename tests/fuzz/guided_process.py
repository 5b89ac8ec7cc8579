"""One coverage-guided fuzzing target in a process of its own, since the fuzzer ends the process:

    python -m tests.fuzz.guided_process TARGET [options of libFuzzer] [folders of inputs]

Exits with another code than 0 after an exception that the target does not allow, and prints the input.
"""

import sys

import atheris

INSTRUMENTED = ["contracts", "monolith.modules.notifications", "monolith.modules.calendars", "icalendar", "dateutil"]

with atheris.instrument_imports(include=INSTRUMENTED):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
