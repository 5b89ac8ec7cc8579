import os
from pathlib import Path

import pytest

from tests.conftest import FOLDER
from tests.e2e.shared_demo import Product, obtain_product


@pytest.fixture(scope="session")
def product() -> Product:
    """The whole product, shared by all tests of the run, for tests that only read and book."""
    return obtain_product(Path(os.environ[FOLDER]))
