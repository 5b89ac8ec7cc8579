"""The automatic return: a guarded business goes back when calls for it fail, or are slow, for too long."""

from monolith.cutover.returning.guard import Guard, Watching, latest, watch_over, watching
from monolith.cutover.returning.verdict import Bound, Calls
from monolith.cutover.returning.watchman import Watchman

__all__ = ["Bound", "Calls", "Guard", "Watching", "Watchman", "latest", "watch_over", "watching"]
