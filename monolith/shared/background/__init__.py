"""Loops that run beside each other until they are told to stop."""

from monolith.shared.background.companion import Companion
from monolith.shared.background.loops import Loop, Worker, run

__all__ = ["Companion", "Loop", "Worker", "run"]
