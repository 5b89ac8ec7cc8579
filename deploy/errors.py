"""Errors that the user of a command can correct."""

from pathlib import Path


class CommandError(Exception):
    """Something that a command needs is missing, in use or malformed.

    The message is one line that names the problem and the remedy. The command line prints it and exits with 2.
    """


class PortInUseError(CommandError):
    """Another program listens on a port that one of the demo's servers needs."""

    def __init__(self, port: int, server: str, setting: str | None = None) -> None:
        other = f"set {setting} to another port" if setting else "choose another port"
        super().__init__(f"port {port} for {server} is in use: stop the program that uses it, or {other}")
        self.port = port


class ProcessStartError(CommandError):
    """A child process ended, or never became ready, while it was being started."""

    def __init__(self, name: str, log: Path, last_lines: str) -> None:
        output = f"; its last output: {last_lines}" if last_lines else ""
        super().__init__(f"{name} did not start{output} (log: {log})")
