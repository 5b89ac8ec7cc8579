"""Records: events and dead letters, the audit log, and the mails of a demo."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from deploy.console import sources
from deploy.console.live import LivePages
from deploy.console.pages.layout import Layout
from deploy.console.polling import Snapshot
from deploy.console.requests import console_plane
from deploy.dead_letters import CONSUMERS, open_letters
from deploy.errors import CommandError
from deploy.mailsink.store import MailStore
from monolith.shared.endpoints.errors import ApiError, not_found
from monolith.shared.flags.store import AuditEntry

_ENTRIES = 100
_EXPORTED = 5_000
_PREVIEWED = 20_000


class RecordPages:
    """`mails` is None outside a demo."""

    def __init__(self, layout: Layout, live: LivePages, mails: MailStore | None) -> None:
        self._layout, self._live, self._mails = layout, live, mails
        live.add("events", self._event_values)

    def add_to(self, pages: Blueprint) -> None:
        pages.add_url_rule("/events", "events", self.events)
        pages.add_url_rule("/events/<consumer>/<entry_id>", "letter", self.letter)
        pages.add_url_rule("/audit", "audit", self.audit)
        pages.add_url_rule("/audit.csv", "audit_export", self.audit_export)
        if self._mails is not None:
            pages.add_url_rule("/mail", "mails", self.mails)
            pages.add_url_rule("/mail/<int:number>", "mail", self.mail)

    def events(self) -> str:
        self._layout.require_viewer()
        letters, problem = [], None
        try:
            for consumer in CONSUMERS:
                with open_letters(consumer) as opened:
                    letters += [(consumer, each) for each in opened.list_letters(100)]
        except CommandError as error:
            problem = str(error)
        return self._layout.render(
            "ops/events.html", letters=letters, problem=problem, consumers=CONSUMERS, live=self._live.fragment("events")
        )

    def letter(self, consumer: str, entry_id: str) -> str:
        self._layout.require_viewer()
        if consumer not in CONSUMERS:
            raise not_found("consumer")
        try:
            with open_letters(consumer) as opened:
                found = next(iter(opened.find([entry_id])), None)
                payload = None if found is None else opened.payload(entry_id)
        except CommandError as error:
            raise ApiError(503, "unavailable", str(error)) from error
        if found is None or payload is None:
            raise not_found("dead letter")
        return self._layout.render("ops/letter.html", consumer=consumer, letter=found, payload=_pretty(payload))

    def audit(self) -> str:
        self._layout.require_viewer()
        before = _instant(request.args.get("before"))
        with console_plane() as plane:
            entries = plane.audit.changes(_ENTRIES + 1, before=before)
            slugs = {str(business_id): slug for business_id, slug in plane.directory.slugs().items()}
        return self._layout.render(
            "ops/audit.html", entries=entries[:_ENTRIES], has_more=len(entries) > _ENTRIES, slugs=slugs, before=before
        )

    def audit_export(self) -> Response:
        self._layout.require_viewer()
        with console_plane() as plane:
            entries = plane.audit.changes(_EXPORTED)
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(AuditEntry._fields)
        for entry in entries:
            rows.writerow([_cell(each) for each in entry])
        headers = {"Content-Disposition": "attachment; filename=audit.csv"}
        return Response(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)

    def mails(self) -> str:
        self._layout.require_viewer()
        assert self._mails is not None
        return self._layout.render("ops/mails.html", mails=list(self._mails.newest_first(100)))

    def mail(self, number: int) -> str:
        self._layout.require_viewer()
        assert self._mails is not None
        found = self._mails.get(number)
        if found is None:
            raise not_found("mail")
        return self._layout.render("ops/mail.html", mail=found)

    def _event_values(self, snapshot: Snapshot, _: str) -> Mapping[str, Any]:
        reading = snapshot.reading(sources.EVENTS)
        return {"events": reading.value, "problem": reading.problem}


def _pretty(payload: bytes) -> str:
    """Indent a JSON event; show anything else as text with escapes."""
    try:
        text = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:
        text = payload.decode(errors="backslashreplace")
    return text[:_PREVIEWED]


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(400, "invalid_request", "The time in the address is not valid.", field="before") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _cell(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = value.isoformat() if isinstance(value, datetime) else value if isinstance(value, str) else json.dumps(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
