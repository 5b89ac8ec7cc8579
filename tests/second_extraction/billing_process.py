"""The billing service under gunicorn, with the settings of the scheduling service."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from contracts.chassis.credentials import without_credentials
from deploy.devstack.keys import Keys
from deploy.devstack.ports import free_port
from tests.polling import eventually
from tests.second_extraction.billing_databases import BILLING, BillingDatabases
from tests.servers import ROOT


@contextmanager
def billing_process(pair: BillingDatabases, keys: Keys, folder: Path) -> Iterator[str]:
    """Run the service until the end of the block, once it is ready. Yields its URL."""
    port = free_port()
    environment = os.environ | {
        "SCHEDULING_DATABASE_URL": without_credentials(pair.at(BILLING).admin_url),
        "DATABASE_ROLE_SECRET": pair.databases.role_secret,
        "SERVICE_TOKEN_VERIFY_KEYS": keys.verify_keys,
        "METRICS_TOKEN": keys.metrics_token,
        "SCHEDULING_PORT": str(port),
        "WEB_WORKERS": "1",
    }
    program = Path(sys.executable).with_name("gunicorn")
    command: list[str | Path] = [
        program,
        "-c",
        "deploy/gunicorn/scheduling.py",
        "tests.second_extraction.billing_service:app",
    ]
    log = folder / "billing.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            eventually(lambda: process.poll() is not None or _is_ready(port), "the billing service")
            assert process.poll() is None, log.read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False
