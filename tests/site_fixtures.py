"""Fixtures for suites that use the site; their `conftest.py` imports them by name."""

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.site import Client, Site, auth_site


@pytest.fixture
def site(databases: Databases) -> Iterator[Site]:
    with auth_site(databases) as site:
        yield site


@pytest.fixture
def owner(site: Site) -> Client:
    """A client signed in as the owner of the business `salon`."""
    client = site.client()
    assert client.sign_up("salon").status_code == 201
    site.confirm("owner@salon.example")
    return client
