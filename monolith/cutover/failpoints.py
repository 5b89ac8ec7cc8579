"""Named moments at which a test may stop, slow down or kill the process that moves a business.

Off by construction: nothing in the product sets `hook`, and no setting of the environment can; only a program that a
test starts does, by importing this module.
"""

from collections.abc import Callable

hook: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """`before X` and `after X` surround everything that a move makes durable; see `controller.POINTS`."""
    if hook is not None:
        hook(name)
