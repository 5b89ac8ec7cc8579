from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.integration.events.relays_and_followers import Notified
from tests.integration.events.sample_events import OutboxWriter, http_outbox


@pytest.fixture
def outbox(databases: Databases) -> OutboxWriter:
    """The outbox of the scheduling service's database."""
    return http_outbox(databases)


@pytest.fixture
def notified(databases: Databases) -> Iterator[Notified]:
    notified = Notified(databases)
    yield notified
    notified.close()
