"""The real scheduling service in separate processes, which a test may stop, continue and kill."""

import os
import signal
import time
from pathlib import Path

from deploy.devstack.keys import Keys
from deploy.devstack.ports import free_port, is_free
from deploy.devstack.program import Program, http_check
from tests.databases import Databases


class SchedulingWeb(Program):
    """gunicorn with one worker on the test's database. Restarts on the same port."""

    def __init__(
        self, databases: Databases, keys: Keys, folder: Path, *, ready_path: str = "/readyz", **settings: str
    ) -> None:
        self.port = free_port()
        environment = {
            "SCHEDULING_DATABASE_URL": databases.scheduling_url,
            "DATABASE_ROLE_SECRET": databases.role_secret,
            "SERVICE_TOKEN_VERIFY_KEYS": keys.verify_keys,
            "METRICS_TOKEN": keys.metrics_token,
            "SCHEDULING_PORT": str(self.port),
            "WEB_WORKERS": "1",
        }
        super().__init__(
            "scheduling web",
            ["-m", "gunicorn", "-c", "deploy/gunicorn/scheduling.py", "scheduling_service.wsgi:app"],
            {**environment, **settings},
            log=folder / "scheduling-web.log",
            is_ready=http_check(self.port, ready_path),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def freeze(self) -> None:
        """Send SIGSTOP to the master and its workers: the kernel accepts connections, but no process answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill_all(self) -> None:
        """Send SIGKILL to the master and its workers, and return when the port is free."""
        self._signal(signal.SIGKILL)
        self.kill()
        while not is_free(self.port):
            time.sleep(0.005)

    def _signal(self, number: signal.Signals) -> None:
        assert self.pid is not None
        os.killpg(self.pid, number)
