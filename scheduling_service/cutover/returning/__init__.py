"""The automatic return: a guarded business goes back when calls for it fail, or are slow, for too long."""

from scheduling_service.cutover.returning.guard import Guard, Watching, latest, watch_over, watching
from scheduling_service.cutover.returning.verdict import Bound, Calls
from scheduling_service.cutover.returning.watchman import Watchman

__all__ = ["Bound", "Calls", "Guard", "Watching", "Watchman", "latest", "watch_over", "watching"]
