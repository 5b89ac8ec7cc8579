"""Execute COMMAND after requesting a signal from the kernel for when the parent dies.

    python -I -S launch.py PARENT_PID SIGNAL COMMAND...

It must directly precede the command, after `setpriv` or `unshare`: the kernel drops the request when a process changes
its credentials. It is a separate program, not a `preexec_fn`, because running Python code after a fork of a process
with threads may deadlock. Uses only the standard library.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def parent_death_prefix(death_signal: signal.Signals) -> list[str]:
    """Return the prefix of a command that is to receive the signal when this thread ends."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal))]


def main() -> None:
    parent, death_signal, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # the parent died before the request
        sys.exit(f"{command[0]}: not started, its parent is gone")
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
