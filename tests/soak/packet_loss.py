"""Packet loss by the kernel's packet filter, in a network of this process alone. Requires root, Linux and iptables."""

import ctypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence

_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET of unshare(2)."""


class PacketLoss:
    """Drops a share of the TCP packets from and to ports of the loopback interface."""

    def lose(self, ports: Sequence[int], share: float, seconds: float) -> None:
        """Drop this share of the packets, at random, for a while. TCP sends each of them again, later and later."""
        listed = ",".join(map(str, ports))
        rule = ["-i", "lo", "-p", "tcp", "-m", "multiport", "--ports", listed]
        rule += ["-m", "statistic", "--mode", "random", "--probability", f"{share:.3f}", "-j", "DROP"]
        _run("iptables", "-A", "INPUT", *rule)
        try:
            time.sleep(seconds)
        finally:
            _run("iptables", "-D", "INPUT", *rule)


def enter_own_network() -> PacketLoss | None:
    """Move this process and its later children to a network that consists of a loopback interface.

    Nothing else on the machine loses packets, and no rule outlives the processes. Call it before any thread starts.
    None where that is not allowed; the process then stays where it is.
    """
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not all(map(shutil.which, ("iptables", "ip"))):
        return None
    # Tried in a child process first: a process cannot return from a network that has turned out to be useless.
    attempt = "ip link set lo up && iptables -A INPUT -i lo -m statistic --mode random --probability 0.5 -j DROP"
    if subprocess.run(["unshare", "--net", "sh", "-c", attempt], check=False, capture_output=True).returncode:
        return None
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
        return None
    _run("ip", "link", "set", "lo", "up")
    return PacketLoss()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
