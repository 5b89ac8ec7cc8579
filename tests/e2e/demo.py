"""The product, started by the `extraction` command, in a separate folder and on separate ports."""

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
from deploy.devstack.ports import free_ports, is_free
from deploy.devstack.program import Program
from deploy.devstack.settings import DEFAULT_PORTS
from deploy.mailsink.store import Mail, MailStore
from monolith.cutover.scheduling_flag import AdapterName
from tests.child_processes import children_of
from tests.servers import ROOT

LAST_LINE = "Ctrl-C stops everything"
_ADMINISTRATORS: Mapping[AdapterName, str] = {"in_process": "MONOLITH_DATABASE_URL", "http": "SCHEDULING_DATABASE_URL"}


@dataclass(frozen=True)
class Installation:
    """The folder and ports of a demo. `given` are URLs of existing servers, by their environment variables."""

    data: Path
    ports: Mapping[str, int]
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['MONOLITH_PORT']}"

    @property
    def console_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['CONSOLE_PORT']}"

    @property
    def mail_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['MAIL_PORT']}"

    @property
    def settings(self) -> dict[str, str]:
        """Return the environment of the command."""
        ports = {name: str(port) for name, port in self.ports.items()}
        return {"DATA_DIR": str(self.data), **ports, **self.given}

    def extraction(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one command, as in a second terminal."""
        return subprocess.run(
            [sys.executable, "-m", "deploy.cli.main", *arguments],
            cwd=ROOT,
            env={**inherited(), **self.settings, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def sql(self, adapter: AdapterName, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Execute SQL as the administrator of the database behind one adapter, who sees the rows of every business."""
        described = json.loads((self.data / "run" / "environment.json").read_text())
        with psycopg.connect(described["administrator"][_ADMINISTRATORS[adapter]]) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def mails_to(self, recipient: str) -> list[Mail]:
        """Return the mails to an address, oldest first."""
        newest_first = MailStore(self.data / "mail").newest_first(10_000)
        return [mail for mail in reversed(list(newest_first)) if recipient in mail.recipient]

    def appointment_mails_to(self, recipient: str) -> list[Mail]:
        """Return the mails about appointments, without those about the account."""
        return [mail for mail in self.mails_to(recipient) if mail.calendars or ":" in mail.subject]

    def taken_ports(self) -> list[str]:
        """Return the settings whose ports are in use."""
        return [name for name, port in self.ports.items() if not is_free(port)]


def new_installation(data: Path, **given: str) -> Installation:
    return Installation(data, free_ports(DEFAULT_PORTS), given)


class Demo(Program):
    """A running `extraction demo`; its output goes to a log next to its data."""

    start_seconds = 180.0
    stop_seconds = 60.0

    def __init__(self, installation: Installation, *options: str) -> None:
        super().__init__(
            "demo",
            ["-m", "deploy.cli.main", "demo", *options],
            installation.settings,
            log=installation.data.with_name(f"{installation.data.name}.log"),
            is_ready=lambda: LAST_LINE in self.output(),
        )
        self.installation = installation

    def children(self) -> Sequence[int]:
        """Return the processes that the demo started."""
        return [] if self.pid is None else children_of(self.pid)

    def signal(self, number: int) -> None:
        """Send a signal to the supervisor only."""
        assert self.pid is not None
        os.kill(self.pid, number)

    def signal_group(self, number: int) -> None:
        """Send SIGINT to the process group, as a terminal does at Ctrl-C."""
        assert self.pid is not None
        os.killpg(self.pid, number)

    def wait(self, seconds: float = 60.0) -> int:
        """Wait for the end, and return the exit code."""
        assert self._process is not None
        return self._process.wait(seconds)
