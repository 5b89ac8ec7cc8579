"""Fixtures for every test. Ask for `databases`: real servers, and nothing of other tests in them."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from hypothesis import settings

from tests.databases import Databases, fresh_databases
from tests.run_scope import end_run, hold_run, memory
from tests.servers import Servers, obtain

FOLDER = "EXTRACTION_TEST_FOLDER"
RUN = pytest.StashKey[IO[str]]()

# Where a test says nothing else: most of them are asked of each of forty operations. A machine that is busy for a
# moment is no finding, so no example has a deadline. All else as Hypothesis has it, which knows CI from elsewhere.
settings.register_profile("each operation", settings(), max_examples=15, deadline=None)
settings.load_profile("each operation")


def pytest_configure(config: pytest.Config) -> None:
    """The process that started the run owns its servers; workers find their folder in the environment."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="extraction-tests-", dir=memory())
        os.environ[FOLDER] = folder
        config.stash[RUN] = hold_run(Path(folder))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Also runs after Ctrl-C."""
    if RUN in config.stash:
        end_run(config.stash[RUN], Path(os.environ.pop(FOLDER)))


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The servers of this run, shared: a test that stops one starts its own (`PostgresServer`)."""
    return obtain(Path(os.environ[FOLDER]))


@pytest.fixture
def databases(servers: Servers) -> Iterator[Databases]:
    """Migrated databases, monolith and scheduling, and an empty Redis, for this test alone."""
    with fresh_databases(servers) as databases:
        yield databases
