"""Each test has a shop of its own, so that tests need no empty database."""

from uuid import uuid4

import pytest
import shop as application
from flask.testing import FlaskClient


@pytest.fixture(scope="session")
def client() -> FlaskClient:
    application.set_up()
    return application.app.test_client()


@pytest.fixture
def shop(client: FlaskClient) -> str:
    """The name of a shop that offers a haircut for 25.00."""
    name = uuid4().hex
    client.put(f"/{name}/prices/haircut", json={"amount_minor": 2500})
    return name
