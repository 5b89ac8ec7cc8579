"""HAProxy with the shipped configuration, changed only in addresses."""

import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.devstack.child import Child
from deploy.devstack.ports import HOST
from deploy.ha.programs import program

CONFIGURATION = Path(__file__).with_name("haproxy.cfg")
FRONTENDS = {5000: "monolith database", 5001: "scheduling database", 8000: "monolith", 8001: "scheduling"}
"""What each port of the shipped configuration leads to."""
_SERVER = re.compile(r"^( +server \S+) (\S+):\d+ check(?: port \d+)?$")


class Balancer(Child):
    """One HAProxy. `ports` are those of its frontends; `servers` have a port, and the port of their check."""

    def __init__(self, folder: Path, ports: Mapping[str, int], servers: Mapping[str, tuple[int, int]]) -> None:
        self.folder = folder.absolute()
        super().__init__("haproxy", self.folder / "haproxy.log")
        self.ports = ports
        self._servers = servers

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "haproxy.cfg").write_text(configuration(self.ports, self._servers))

    def _command(self) -> Sequence[str]:
        return [str(program("haproxy")), "-db", "-f", str(self.folder / "haproxy.cfg")]

    def _is_ready(self) -> bool:
        for port in self.ports.values():
            try:
                socket.create_connection((HOST, port), timeout=1).close()
            except OSError:
                return False
        return True


def configuration(ports: Mapping[str, int], servers: Mapping[str, tuple[int, int]]) -> str:
    """Return the shipped configuration with these addresses. Servers that do not exist are left out."""
    lines = []
    for line in CONFIGURATION.read_text().splitlines():
        server = _SERVER.match(line)
        if server is None:
            lines.append(re.sub(r"bind 127\.0\.0\.1:(\d+)", lambda bind: f"bind {HOST}:{_port(bind, ports)}", line))
        elif server[2] in servers:
            port, checked = servers[server[2]]
            lines.append(f"{server[1]} {HOST}:{port} check port {checked}")
    return "\n".join([*lines, ""])


def _port(bind: "re.Match[str]", ports: Mapping[str, int]) -> int:
    return ports[FRONTENDS[int(bind[1])]]
