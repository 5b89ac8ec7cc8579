"""Fixtures for every test. `databases` provides real servers with databases that no other test uses."""

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.databases import Databases, fresh_databases
from tests.hypothesis_profiles import load_profiles
from tests.row_report import add_option, attach_rows, register
from tests.run_scope import end_run, hold_run, memory
from tests.servers import Servers, obtain
from tests.taking_turns import turn

FOLDER = "EXTRACTION_TEST_FOLDER"
RUN = pytest.StashKey[IO[str]]()

# Before pytest reads its options: `--hypothesis-profile` may choose another of them.
load_profiles()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this repository."""
    add_option(parser)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attach the rows of faults and hostile inputs that tests name."""
    for item in items:
        attach_rows(item)


def pytest_configure(config: pytest.Config) -> None:
    """Let the process that starts the run own its servers; workers find the folder in the environment."""
    register(config)
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="extraction-tests-", dir=memory())
        os.environ[FOLDER] = folder
        config.stash[RUN] = hold_run(Path(folder))


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run and its servers, also after Ctrl-C."""
    if RUN in config.stash:
        end_run(config.stash[RUN], Path(os.environ.pop(FOLDER)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let tests with the mark `alone` run without others."""
    with turn(Path(os.environ[FOLDER]), alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session")
def servers() -> Servers:
    """Servers shared by the whole run. A test that stops a server starts its own (`PostgresServer`)."""
    return obtain(Path(os.environ[FOLDER]))


@pytest.fixture
def databases(servers: Servers) -> Iterator[Databases]:
    """Migrated monolith and scheduling databases and an empty Redis database, for this test alone."""
    with fresh_databases(servers) as databases:
        yield databases
