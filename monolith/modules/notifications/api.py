"""What other modules may use of this one: nothing but its models. It follows scheduling's events by itself."""

from monolith.modules.notifications.model import Kind, Message, MessagePage, Preferences, State
from monolith.modules.notifications.service import NotificationsService as NotificationsApi

__all__ = ["Kind", "Message", "MessagePage", "NotificationsApi", "Preferences", "State"]
