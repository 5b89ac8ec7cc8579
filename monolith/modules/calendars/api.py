"""The public interface of calendars. Other modules import nothing else of this package."""

from monolith.modules.calendars.feed_models import CreateFeed, Detail, Feed, FeedList, NewFeed
from monolith.modules.calendars.feeds import Feeds

__all__ = ["CreateFeed", "Detail", "Feed", "FeedList", "Feeds", "NewFeed"]
