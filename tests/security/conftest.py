from tests.site_fixtures import owner, site

__all__ = ["owner", "site"]
