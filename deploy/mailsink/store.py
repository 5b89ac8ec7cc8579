"""Mails as `.eml` files in one folder, numbered in order of arrival."""

import email
import email.policy
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage, MIMEPart
from pathlib import Path

NAME = re.compile(r"(\d{6,})-\d{8}T\d{6}Z\.eml")
# A load test sends many mails; only the newest are kept.
MAX_MAILS = 2_000


UNREADABLE = "(cannot be parsed)"
"""Shown in place of a header or text that Python's parser rejects, which is anyone's to send."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. Its number does not change. What cannot be parsed is `UNREADABLE`."""

    number: int
    message: EmailMessage

    @property
    def sender(self) -> str:
        """The From header."""
        return self._header("From")

    @property
    def recipient(self) -> str:
        """The To header."""
        return self._header("To")

    @property
    def subject(self) -> str:
        """The Subject header."""
        return self._header("Subject") or "(no subject)"

    @property
    def date(self) -> str:
        """The Date header."""
        return self._header("Date")

    @property
    def text(self) -> str:
        """The plain-text part; empty if there is none."""
        try:
            part = self.message.get_body(("plain",))
            return _content(part) if part else ""
        except Exception:
            return UNREADABLE

    @property
    def calendars(self) -> list[str]:
        """The invitations (.ics), as text."""
        try:
            return [_content(part) for part in self.message.walk() if part.get_content_type() == "text/calendar"]
        except Exception:
            return []

    def _header(self, name: str) -> str:
        try:
            return str(self.message[name] or "")
        except Exception:
            return UNREADABLE


class MailStore:
    """The folder. One process may write to it, any number may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Paths of the kept mails, oldest first. The folder is listed once: listing thousands of files per mail is slow.
        self._kept: deque[Path] | None = None
        self._newest = 0

    def add(self, raw: bytes) -> int:
        """Store a mail as received, atomically, and return its number."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = self._load_kept()
        self._newest += 1
        path = self._folder / f"{self._newest:06}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.eml"
        unfinished = self._folder / "unfinished"
        unfinished.write_bytes(raw)
        unfinished.rename(path)
        kept.append(path)
        while len(kept) > MAX_MAILS:
            kept.popleft().unlink(missing_ok=True)
        return self._newest

    def newest_first(self, limit: int) -> Iterator[Mail]:
        """Yield at most ``limit`` mails."""
        files = self._files()
        for number in sorted(files, reverse=True)[:limit]:
            yield _read(number, files[number])

    def get(self, number: int) -> Mail | None:
        """Return the mail with this number, or None."""
        path = self._files().get(number)
        return _read(number, path) if path else None

    def _files(self) -> dict[int, Path]:
        found = ((NAME.fullmatch(path.name), path) for path in self._folder.glob("*.eml"))
        return {int(match[1]): path for match, path in found if match}

    def _load_kept(self) -> deque[Path]:
        if self._kept is None:
            files = self._files()
            self._newest = max(files, default=0)
            self._kept = deque(files[number] for number in sorted(files))
        return self._kept


def _read(number: int, path: Path) -> Mail:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    return Mail(number, message)


def _content(part: MIMEPart) -> str:
    """Return the text of a part, also if its declared encoding is unknown or wrong."""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError, KeyError):
        payload = part.get_payload(decode=True)
        return payload.decode(errors="replace") if isinstance(payload, bytes) else ""
