"""SQL for the queue of mails about accounts, and to operators."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, text

from monolith.shared.database import new_id

MailKind = Literal[
    "sign_up",
    "email_change",
    "email_change_notice",
    "confirmed",
    "taken_over",
    "reset",
    "password_changed",
    "invitation",
    "notice",
    "lost_link",
    "waitlist",
]

_ADD = text("""
    INSERT INTO auth.mail (mail_id, kind, email, subject_id, reference)
    VALUES (:mail_id, :kind, :email, :subject_id, :reference)
""")
# mail_pkey
_ADD_NOTICE = text("""
    INSERT INTO auth.mail (mail_id, kind, email, content) VALUES (:mail_id, 'notice', :email, CAST(:content AS jsonb))
    ON CONFLICT (mail_id) DO NOTHING
""")
# mail_pkey
_ADD_WAITLIST = text("""
    INSERT INTO auth.mail (mail_id, kind, email, subject_id, content)
    VALUES (:entry_id, 'waitlist', :email, :business_id, CAST(:content AS jsonb))
    ON CONFLICT (mail_id) DO NOTHING
""")
# mail_due
_CLAIM = text("""
    UPDATE auth.mail SET attempts = attempts + 1, next_attempt_at = now() + CAST(:claim AS interval)
    WHERE mail_id IN (
        SELECT mail_id
        FROM auth.mail
        WHERE next_attempt_at <= now()
        ORDER BY next_attempt_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING mail_id, kind, email, subject_id, reference, attempts, created_at, content
""")
# mail_pkey
_REMOVE = text("DELETE FROM auth.mail WHERE mail_id = :mail_id")
# mail_pkey
_RELEASE = text("""
    UPDATE auth.mail SET next_attempt_at = now(), attempts = attempts - 1 WHERE mail_id = ANY(:mail_ids)
""")
# mail_pkey
_DEFER = text("UPDATE auth.mail SET next_attempt_at = now() + CAST(:delay AS interval) WHERE mail_id = :mail_id")


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A mail to be sent. `subject_id` is the account, the invitation or the business that it is about, if any.

    `content` has `subject` and `paragraphs` for a notice, and the fields of `WaitingCustomer` for a waitlist entry.
    """

    mail_id: UUID
    kind: MailKind
    email: str
    subject_id: UUID | None
    reference: str | None
    """Of the appointment whose link was lost."""
    attempts: int
    created_at: datetime
    content: dict[str, Any] | None = None


def enqueue(
    connection: Connection, kind: MailKind, email: str, subject_id: UUID | None = None, reference: str | None = None
) -> None:
    """Queue a mail, which is sent after the transaction commits."""
    values = {
        "mail_id": new_id(),
        "kind": kind,
        "email": email,
        "subject_id": subject_id,
        "reference": reference,
    }
    connection.execute(_ADD, values)


def enqueue_notice(connection: Connection, mail_id: UUID, email: str, subject: str, paragraphs: Sequence[str]) -> None:
    """Queue a mail with this text, unless one with the same id is queued."""
    content = json.dumps({"subject": subject, "paragraphs": list(paragraphs)})
    connection.execute(_ADD_NOTICE, {"mail_id": mail_id, "email": email, "content": content})


def enqueue_waitlist(
    connection: Connection, entry_id: UUID, email: str, business_id: UUID, content: dict[str, Any]
) -> None:
    """Queue the confirmation of a place on the waitlist, unless it is queued."""
    values = {"entry_id": entry_id, "email": email, "business_id": business_id, "content": json.dumps(content)}
    connection.execute(_ADD_WAITLIST, values)


def claim(connection: Connection, limit: int, claim_for: timedelta) -> Sequence[QueuedMail]:
    """Claim due mails, oldest first; after `claim_for`, another process may claim those that are still there."""
    rows = connection.execute(_CLAIM, {"limit": limit, "claim": claim_for})
    return sorted((QueuedMail(**row._mapping) for row in rows), key=lambda mail: mail.mail_id)


def remove(connection: Connection, mail_id: UUID) -> None:
    connection.execute(_REMOVE, {"mail_id": mail_id})


def defer(connection: Connection, mail_id: UUID, delay: timedelta) -> None:
    connection.execute(_DEFER, {"mail_id": mail_id, "delay": delay})


def release(connection: Connection, mail_ids: Sequence[UUID]) -> None:
    """End the claim of mails that were not attempted."""
    connection.execute(_RELEASE, {"mail_ids": list(mail_ids)})
