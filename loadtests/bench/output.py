"""Progress output of the bench."""

import sys


def echo(line: str) -> None:
    """Print a line on standard output without buffering."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
