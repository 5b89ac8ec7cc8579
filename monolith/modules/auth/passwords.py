"""Password hashing with argon2id, with limited concurrency."""

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from monolith.shared.endpoints import ApiError
from monolith.shared.localization import N_

MAX_LENGTH = 200
"""Code points of the longest password. Normalizing takes time quadratic in the length, with the GIL held."""


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """Argon2id parameters; the defaults are the minimum of the OWASP Password Storage Cheat Sheet.

    `max_concurrent` limits how many hashes a process computes at the same time, which bounds memory and processor use;
    a caller waits at most `max_wait_seconds` for one of these slots. `reserved` more are for known devices, which a
    flood of sign-ins elsewhere therefore does not keep waiting.
    """

    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1
    max_concurrent: int = 2
    reserved: int = 1
    max_wait_seconds: float = 2.0


class Passwords:
    """Hashes and verifies passwords. Thread-safe. Raises ApiError 503 when no slot becomes free in time."""

    def __init__(self, hashing: Argon2Parameters) -> None:
        self._hasher = PasswordHasher(
            time_cost=hashing.passes, memory_cost=hashing.memory_kib, parallelism=hashing.lanes
        )
        self._slots = threading.BoundedSemaphore(hashing.max_concurrent)
        self._reserved = threading.BoundedSemaphore(hashing.reserved)
        self._max_wait_seconds = hashing.max_wait_seconds
        self._dummy_hash = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """Return the hash of a new password. Raises ValueError if it is longer than `MAX_LENGTH`."""
        if len(password) > MAX_LENGTH:
            raise ValueError(f"the password is longer than {MAX_LENGTH} characters")
        with self._slot(self._slots):
            return self._hasher.hash(_normal(password))

    def verify(self, password: str, password_hash: str | None, *, reserved: bool = False) -> bool:
        """Return whether the password matches.

        Without a hash, and for a password longer than `MAX_LENGTH`, return false after the same amount of work.
        """
        if len(password) > MAX_LENGTH:
            password, password_hash = "", None
        with self._slot(self._reserved if reserved else self._slots):
            try:
                self._hasher.verify(password_hash or self._dummy_hash, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether the hash was made with other parameters than the current ones."""
        return self._hasher.check_needs_rehash(password_hash)

    @contextmanager
    def _slot(self, slots: threading.BoundedSemaphore) -> Iterator[None]:
        if not slots.acquire(timeout=self._max_wait_seconds):
            raise ApiError(
                503, "busy", N_("Too many sign-ins are in progress. Please try again in a moment."), retry_after=5
            )
        try:
            yield
        finally:
            slots.release()


def _normal(password: str) -> str:
    # Keyboards encode the same characters differently.
    return unicodedata.normalize("NFKC", password)
