"""Passwords: hashed with argon2id, slowly on purpose, and never many at once."""

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from monolith.shared.endpoints import ApiError


@dataclass(frozen=True, slots=True)
class Hashing:
    """Argon2id's parameters; the defaults are the least that OWASP's password storage cheat sheet asks for.

    `at_once` bounds the hashes being made in one process, in memory and processors; `patience` bounds, in seconds, the
    wait for a turn.
    """

    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1
    at_once: int = 2
    patience: float = 2.0


class Passwords:
    """Raises ApiError 503 when too many wait for a turn."""

    def __init__(self, hashing: Hashing) -> None:
        self._hasher = PasswordHasher(
            time_cost=hashing.passes, memory_cost=hashing.memory_kib, parallelism=hashing.lanes
        )
        self._turns = threading.BoundedSemaphore(hashing.at_once)
        self._patience = hashing.patience
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        with self._turn():
            return self._hasher.hash(_normal(password))

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password. Without a hash the answer is no, after the same work."""
        with self._turn():
            try:
                self._hasher.verify(password_hash or self._nobodys, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._patience):
            raise ApiError(503, "busy", "Too many people are signing in. Please try again in a moment.", retry_after=5)
        try:
            yield
        finally:
            self._turns.release()


def _normal(password: str) -> str:
    # The same characters typed on another keyboard are the same password.
    return unicodedata.normalize("NFKC", password)
