"""`new-secrets.sh` creates secrets that the processes accept, private and never twice."""

import base64
import stat
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.chassis.settings import ed25519_key, secret
from tests.deploy.declared import read_environment_file
from tests.servers import ROOT


def test_secrets_are_accepted_and_agree(secrets_folder: Path) -> None:
    files = {path.stem: read_environment_file(path) for path in secrets_folder.glob("*.env")}
    both = files["cutover"]
    for deployment in ("monolith", "scheduling"):
        assert secret(files[deployment], "DATABASE_ROLE_SECRET") == both[f"{deployment.upper()}_DATABASE_ROLE_SECRET"]
        administrator, postgres = files[f"{deployment}-administrator"], files[f"{deployment}-postgres"]
        assert administrator["PGPASSWORD"] == postgres["POSTGRES_PASSWORD"]
    values = [value for settings in files.values() for value in settings.values()]
    # Each role secret and each password of Postgres occurs twice, everything else once.
    assert len(set(values)) == len(values) - 4
    assert files["metrics"]["METRICS_TOKEN"] == (secrets_folder / "metrics-token").read_text()


def test_the_service_can_verify_what_the_monolith_signs(secrets_folder: Path) -> None:
    signing = read_environment_file(secrets_folder / "monolith-token.env")["SERVICE_TOKEN_SIGNING_KEY"]
    verifying = read_environment_file(secrets_folder / "scheduling-token.env")["SERVICE_TOKEN_VERIFY_KEYS"]
    key_id, private = ed25519_key("signing", signing, "private key")
    public = Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    assert ed25519_key("verifying", verifying, "public key") == (key_id, public)
    assert base64.urlsafe_b64encode(public).decode().rstrip("=") in verifying


def test_only_the_owner_can_enter_the_folder(secrets_folder: Path) -> None:
    assert stat.S_IMODE(secrets_folder.stat().st_mode) == 0o700
    readable = [path.name for path in secrets_folder.iterdir() if path.stat().st_mode & 0o077]
    assert readable == ["metrics-token"]


def test_existing_secrets_are_not_replaced(secrets_folder: Path) -> None:
    before = (secrets_folder / "monolith.env").read_text()
    script = ROOT / "deploy/settings/new-secrets.sh"
    repeated = subprocess.run(["sh", script, secrets_folder], capture_output=True, text=True)
    assert repeated.returncode == 2
    assert "exists" in repeated.stderr
    assert (secrets_folder / "monolith.env").read_text() == before
