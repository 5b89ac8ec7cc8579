"""What is printed, as it becomes known."""

import sys


def echo(line: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
