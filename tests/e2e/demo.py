"""The product, started by the command that a user types, on a folder and on ports of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from deploy.devstack.environment import inherited
from deploy.devstack.ports import free_port, is_free
from deploy.devstack.program import Program
from deploy.devstack.settings import DEFAULT_PORTS
from deploy.mailsink.store import Mail, MailStore
from monolith.cutover.scheduling_flag import AdapterName
from tests.servers import ROOT

LAST_LINE = "Ctrl-C stops everything"
_ADMINISTRATORS: Mapping[AdapterName, str] = {"in_process": "MONOLITH_DATABASE_URL", "http": "SCHEDULING_DATABASE_URL"}


@dataclass(frozen=True)
class Place:
    """Where a demo runs, or will. `given`: servers of one's own, by the variable that names them."""

    data: Path
    ports: Mapping[str, int]
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['MONOLITH_PORT']}"

    @property
    def mail_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['MAIL_PORT']}"

    @property
    def settings(self) -> dict[str, str]:
        """What a user would export before the command."""
        ports = {name: str(port) for name, port in self.ports.items()}
        return {"DATA_DIR": str(self.data), **ports, **self.given}

    def extraction(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """One command, as in a second terminal."""
        return subprocess.run(
            [sys.executable, "-m", "deploy.cli.main", *arguments],
            cwd=ROOT,
            env={**inherited(), **self.settings, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def sql(self, side: AdapterName, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """As the administrator of the database of that side, who sees the rows of every business."""
        described = json.loads((self.data / "run" / "environment.json").read_text())
        with psycopg.connect(described["administrator"][_ADMINISTRATORS[side]]) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def mails_to(self, recipient: str) -> list[Mail]:
        """The oldest first."""
        newest_first = MailStore(self.data / "mail").newest_first(10_000)
        return [mail for mail in reversed(list(newest_first)) if recipient in mail.recipient]

    def taken_ports(self) -> list[str]:
        """The settings whose ports somebody listens on."""
        return [name for name, port in self.ports.items() if not is_free(port)]


def new_place(data: Path, **given: str) -> Place:
    return Place(data, {name: free_port() for name in DEFAULT_PORTS}, given)


class Demo(Program):
    """`extraction demo`, serving once it has said how it is stopped. Its words stand in a log beside its data."""

    start_seconds = 180.0
    stop_seconds = 60.0

    def __init__(self, place: Place, *options: str) -> None:
        super().__init__(
            "demo",
            ["-m", "deploy.cli.main", "demo", *options],
            place.settings,
            log=place.data.with_name(f"{place.data.name}.log"),
            is_ready=lambda: LAST_LINE in self.output(),
        )
        self.place = place

    def children(self) -> Sequence[int]:
        """Everything that it started itself."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [line.split() for line in listed.splitlines()]
        return [int(child) for child, parent in pairs if int(parent) == self.pid]

    def signal(self, number: int) -> None:
        """To the supervisor alone."""
        assert self.pid is not None
        os.kill(self.pid, number)

    def signal_group(self, number: int) -> None:
        """As a terminal does at Ctrl-C."""
        assert self.pid is not None
        os.killpg(self.pid, number)

    def wait(self, seconds: float = 60.0) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(seconds)
