"""Become COMMAND, having asked the kernel to be told when the parent dies.

    python -I -S launch.py PARENT_PID SIGNAL COMMAND...

Run as a program, and put last before the real command: the kernel forgets the request when a process
changes its credentials, so `setpriv` or `unshare` has to come before it. A separate program rather than a
`preexec_fn`, since forking Python code out of a process with threads may deadlock. The standard library
only.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def parent_death_prefix(death_signal: signal.Signals) -> list[str]:
    """What to put before a command, so that it gets the signal when this thread ends."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal))]


def main() -> None:
    parent, death_signal, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before the request was made
        sys.exit(f"{command[0]}: not started, its parent is gone")
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
