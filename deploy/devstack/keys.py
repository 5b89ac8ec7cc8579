"""The stack's secrets: created once, stored in the data folder, readable by their owner only."""

import base64
import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.errors import CommandError


@dataclass(frozen=True, slots=True)
class Keys:
    """Each deployment has its own role secret; the service receives only the public half of the key."""

    monolith_role_secret: str
    scheduling_role_secret: str
    token_key_id: str
    token_signing_key: str
    metrics_token: str

    @property
    def signing_key(self) -> str:
        """The value of SERVICE_TOKEN_SIGNING_KEY."""
        return f"{self.token_key_id}:{self.token_signing_key}"

    @property
    def event_secrets(self) -> str:
        """The value of EVENT_SECRETS, derived from the key that is created with the other secrets."""
        return hashlib.sha256(f"events:{self.token_signing_key}".encode()).hexdigest()

    @property
    def verify_keys(self) -> str:
        """The value of SERVICE_TOKEN_VERIFY_KEYS."""
        private = Ed25519PrivateKey.from_private_bytes(_decode(self.token_signing_key))
        return f"{self.token_key_id}:{_encode(private.public_key().public_bytes_raw())}"


def load_keys(path: Path) -> Keys:
    """Read the secrets from the file, which is created if it is missing. Raises CommandError for a damaged file."""
    if not path.exists():
        _write(path, _new_keys())
    try:
        return Keys(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise CommandError(f"{path} is damaged ({error}): remove it to create new secrets") from error


def write_private(path: Path, text: str) -> None:
    """Write a file atomically that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.rename(path)


def _write(path: Path, keys: Keys) -> None:
    write_private(path, json.dumps(asdict(keys), indent=2))


def _new_keys() -> Keys:
    return Keys(
        monolith_role_secret=secrets.token_urlsafe(32),
        scheduling_role_secret=secrets.token_urlsafe(32),
        token_key_id=f"demo-{secrets.token_hex(4)}",
        token_signing_key=_encode(Ed25519PrivateKey.generate().private_bytes_raw()),
        metrics_token=secrets.token_urlsafe(32),
    )


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
