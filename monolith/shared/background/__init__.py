"""Loops that run beside each other until they are told to stop."""

from monolith.shared.background.loops import Loop, Worker, run

__all__ = ["Loop", "Worker", "run"]
