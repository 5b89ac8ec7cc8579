"""The public interface of notifications: its models, letters of other modules, and calendar files.

Mails about appointments need no calls: notifications works from scheduling's events.
"""

from monolith.modules.notifications.letters import Letter, LetterSender
from monolith.modules.notifications.mail import calendar_file
from monolith.modules.notifications.model import BusinessNotices, Kind, Message, MessagePage, Preferences, State
from monolith.modules.notifications.service import NotificationsService as NotificationsApi
from monolith.modules.notifications.smtp import DeliveryDeferred, DeliveryRejected, ServerUnavailable
from monolith.modules.notifications.webhooks.webhook_models import (
    EVENTS,
    CreateWebhook,
    DeliveriesQuery,
    NewWebhook,
)
from monolith.modules.notifications.webhooks.webhooks import Webhooks

__all__ = [
    "EVENTS",
    "BusinessNotices",
    "CreateWebhook",
    "DeliveriesQuery",
    "DeliveryDeferred",
    "DeliveryRejected",
    "Kind",
    "Letter",
    "LetterSender",
    "Message",
    "MessagePage",
    "NewWebhook",
    "NotificationsApi",
    "Preferences",
    "ServerUnavailable",
    "State",
    "Webhooks",
    "calendar_file",
]
