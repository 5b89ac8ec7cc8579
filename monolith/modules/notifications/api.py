"""The public interface of notifications: its models, and letters of other modules.

Mails about appointments need no calls: notifications works from scheduling's events.
"""

from monolith.modules.notifications.letters import Letter, LetterSender
from monolith.modules.notifications.model import BusinessNotices, Kind, Message, MessagePage, Preferences, State
from monolith.modules.notifications.service import NotificationsService as NotificationsApi
from monolith.modules.notifications.smtp import DeliveryDeferred, DeliveryRejected, ServerUnavailable

__all__ = [
    "BusinessNotices",
    "DeliveryDeferred",
    "DeliveryRejected",
    "Kind",
    "Letter",
    "LetterSender",
    "Message",
    "MessagePage",
    "NotificationsApi",
    "Preferences",
    "ServerUnavailable",
    "State",
]
