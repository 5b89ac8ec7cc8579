"""Webhooks: where events are posted to, their secrets, and what became of each delivery."""

from uuid import UUID

from flask import Blueprint, request

from monolith.modules.notifications.api import EVENTS, CreateWebhook, DeliveriesQuery, NewWebhook
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import email_unconfirmed
from monolith.web.office.labels import EVENT_LABELS
from monolith.web.office.staff_pages import Office, PageResponse, View, attempt, id_in, render, text_of, to
from monolith.web.page_context import PageContext

_WEBHOOK = "/webhooks/<uuid:webhook_id>"
_SHOWN = 50


class WebhookPages:
    """For owners only."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._webhooks = office.webhooks

    def add_to(self, pages: Blueprint) -> None:
        views: tuple[tuple[str, str, View, tuple[str, ...]], ...] = (
            ("/webhooks", "webhooks", self.webhooks, ("GET",)),
            ("/webhooks", "add_webhook", self.add, ("POST",)),
            (_WEBHOOK, "webhook", self.webhook, ("GET",)),
            (f"{_WEBHOOK}/secret", "rotate_webhook_secret", self.rotate_secret, ("POST",)),
            (f"{_WEBHOOK}/test", "test_webhook", self.test, ("POST",)),
            (f"{_WEBHOOK}/enable", "enable_webhook", self.enable, ("POST",)),
            (f"{_WEBHOOK}/replay", "replay_webhook", self.replay, ("POST",)),
            (f"{_WEBHOOK}/delete", "delete_webhook", self.delete, ("POST",)),
        )
        for rule, name, view, methods in views:
            self._office.add(pages, rule, name, view, methods, owner=True)

    def webhooks(self, page: PageContext) -> PageResponse:
        return self._list(page)

    def add(self, page: PageContext) -> PageResponse:
        """Create a webhook, and show its secret once, in the answer to the form."""

        def action() -> PageResponse:
            if not page.require_principal().confirmed:
                raise email_unconfirmed()
            fields = {"url": text_of("url"), "name": text_of("name"), "events": request.form.getlist("event")}
            created = self._webhooks.create(
                page.business, page.require_principal().user_id, convert(fields, CreateWebhook)
            )
            return self._one(page, created.webhook.webhook_id, created)

        return attempt(action, lambda problem: self._list(page, problem))

    def webhook(self, page: PageContext, webhook_id: UUID) -> PageResponse:
        return self._one(page, webhook_id)

    def rotate_secret(self, page: PageContext, webhook_id: UUID) -> PageResponse:
        return self._one(page, webhook_id, self._webhooks.rotate_secret(page.business, webhook_id))

    def test(self, page: PageContext, webhook_id: UUID) -> PageResponse:
        self._webhooks.send_test(page.business, webhook_id)
        return to(page, "webhook", "tested", webhook_id=webhook_id)

    def enable(self, page: PageContext, webhook_id: UUID) -> PageResponse:
        self._webhooks.enable(page.business, webhook_id)
        return to(page, "webhook", "enabled", webhook_id=webhook_id)

    def replay(self, page: PageContext, webhook_id: UUID) -> PageResponse:
        """Deliver one delivery again, or all dead ones."""
        self._webhooks.replay(page.business, webhook_id, id_in(request.form, "delivery"))
        return to(page, "webhook", "replayed", webhook_id=webhook_id)

    def delete(self, page: PageContext, webhook_id: UUID) -> PageResponse:
        self._webhooks.delete(page.business, webhook_id)
        return to(page, "webhooks", "removed")

    def _list(self, page: PageContext, problem: str | None = None) -> str:
        found = self._webhooks.of_business(page.business)
        return render(
            page,
            "webhooks.html",
            section="settings",
            webhooks=found,
            events=EVENTS,
            event_labels=EVENT_LABELS,
            form=request.form,
            problem=problem,
        )

    def _one(self, page: PageContext, webhook_id: UUID, created: NewWebhook | None = None) -> str:
        webhook = self._webhooks.get(page.business, webhook_id)
        query = convert({"limit": _SHOWN, "cursor": request.args.get("cursor")}, DeliveriesQuery)
        found = self._webhooks.deliveries(page.business, webhook_id, query)
        return render(
            page,
            "webhook.html",
            section="settings",
            webhook=webhook,
            secret=created.secret if created else None,
            deliveries=found.deliveries,
            next_cursor=found.next_cursor,
        )
