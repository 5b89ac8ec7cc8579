"""Members of an etcd cluster on this machine."""

import json
import os
import signal
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from deploy.devstack.child import Child
from deploy.devstack.ports import HOST, free_port
from deploy.ha.programs import program


class Address(NamedTuple):
    name: str
    client_port: int
    peer_port: int

    @property
    def peer(self) -> str:
        return f"{self.name}=http://{HOST}:{self.peer_port}"


class EtcdMember(Child):
    """One member; it is ready when the cluster has a quorum."""

    def __init__(self, folder: Path, address: Address, cluster: Sequence[Address]) -> None:
        self.folder = folder.absolute()
        super().__init__(address.name, self.folder / "etcd.log")
        self.address = address
        self._cluster = ",".join(each.peer for each in cluster)

    @property
    def has_quorum(self) -> bool:
        """Whether this member answers that its cluster has a quorum."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.address.client_port}/health", timeout=2) as reply:
                return bool(json.load(reply).get("health") == "true")
        except (OSError, ValueError):
            return False

    def freeze(self) -> None:
        """Stop the process until `thaw`."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        self.thaw()
        super().stop()

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def _command(self) -> Sequence[str]:
        client, peer = (f"http://{HOST}:{port}" for port in (self.address.client_port, self.address.peer_port))
        return [
            str(program("etcd")), "--name", self.name, "--data-dir", str(self.folder / "data"),
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", self._cluster, "--initial-cluster-state", "new",
            # A loaded machine with one disk for everything must not elect without a reason.
            "--heartbeat-interval", "250", "--election-timeout", "2500",
        ]  # fmt: skip

    def _is_ready(self) -> bool:
        return self.has_quorum


def etcd_cluster(folder: Path, size: int = 3) -> list[EtcdMember]:
    """Return the members of a new cluster; launch all of them before waiting for one."""
    addresses = [Address(f"etcd-{number}", free_port(), free_port()) for number in range(1, size + 1)]
    return [EtcdMember(folder / each.name, each, addresses) for each in addresses]
