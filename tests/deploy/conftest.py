"""Secrets as an operator creates them."""

import subprocess
from pathlib import Path

import pytest

from tests.servers import ROOT


@pytest.fixture(scope="session")
def secrets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `deploy/settings/new-secrets.sh` has filled."""
    folder = tmp_path_factory.mktemp("deployment") / "secrets"
    subprocess.run(["sh", ROOT / "deploy/settings/new-secrets.sh", folder], check=True, capture_output=True)
    return folder
