"""The public interface of calendars. Other modules import nothing else of this package."""

from monolith.modules.calendars.feed_models import CreateFeed, Detail, Feed, FeedList, NewFeed
from monolith.modules.calendars.feeds import Feeds
from monolith.modules.calendars.import_models import BusyImport, CreateImport
from monolith.modules.calendars.imports import BusyImports

__all__ = ["BusyImport", "BusyImports", "CreateFeed", "CreateImport", "Detail", "Feed", "FeedList", "Feeds", "NewFeed"]
