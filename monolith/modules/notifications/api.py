"""The public interface of notifications: its models only, since it works from scheduling's events."""

from monolith.modules.notifications.model import Kind, Message, MessagePage, Preferences, State
from monolith.modules.notifications.service import NotificationsService as NotificationsApi

__all__ = ["Kind", "Message", "MessagePage", "NotificationsApi", "Preferences", "State"]
