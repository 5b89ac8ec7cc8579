"""What stops a command and what the person at the keyboard can do about it."""

from pathlib import Path


class CommandError(Exception):
    """Something around the program is missing, taken or malformed.

    The message is one line that names the thing and the remedy. The command line prints it and exits with 2.
    """


class PortInUseError(CommandError):
    """A port that one of our servers needs is in use by a program that is not ours."""

    def __init__(self, port: int, server: str, setting: str | None = None) -> None:
        other = f"set {setting} to another port" if setting else "choose another port"
        super().__init__(f"port {port} for {server} is taken: stop the program that has it, or {other}")
        self.port = port


class ProcessStartError(CommandError):
    """A process of ours ended, or never answered, while it was being started."""

    def __init__(self, name: str, log: Path, last_words: str) -> None:
        said = f"; it said last: {last_words}" if last_words else ""
        super().__init__(f"{name} did not start{said} (its log is {log})")
