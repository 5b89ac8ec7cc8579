from collections.abc import Iterator

import pytest

from monolith.modules.auth.module import account_mails
from monolith.modules.notifications.module import letter_sender
from monolith.shared.customer_links import CustomerLinks
from monolith.shared.database import ModuleDatabase
from tests.databases import Databases
from tests.integration.auth.post import Post
from tests.integration.notifications.conftest import Mailbox, mailbox
from tests.site import Site
from tests.site_fixtures import owner, site

__all__ = ["mailbox", "owner", "post", "site"]


@pytest.fixture
def post(site: Site, databases: Databases, mailbox: Mailbox) -> Iterator[Post]:
    sending = ModuleDatabase(databases.monolith_url, role="notifications_sender", secret=databases.role_secret)
    letters = letter_sender(sending, smtp_url=mailbox.url, public_url=site.url)
    yield Post(account_mails(site.database, letters, site.url, CustomerLinks("a secret of the test")), mailbox)
    letters.close()
    sending.close()
