"""The settings reference is complete and true: it is compared with what the code reads, requires and accepts."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.chassis.settings import ConfigError
from deploy.settings.inspection import VALID, load, read_settings_of
from deploy.settings.meanings import MEANINGS
from deploy.settings.page import settings_page
from deploy.settings.processes import COMMAND_SETTINGS, DEMO_SETTINGS, PROCESSES, Process
from tests.architecture.committed import ROOT, committed, name_of

PAGE = ROOT / "deploy/docs/settings.md"
READ_BY_PROCESSES = {name for process in PROCESSES for name in read_settings_of(process)}
_READ = re.compile(
    r"""(?:environ(?:ment)?|monolith|scheduling)(?:\.get\(|\[)\s*f?["'](\{[^}]*\}_)?([A-Z][A-Z_]+)["']"""
    r"""|(?:url|secret|number|choice|required|networks|days|_\w+)\(environment,\s*"([A-Z][A-Z_]+)\""""
)
# Of the request, in WSGI's terms; and of the measurements, which are no part of the product.
NOT_SETTINGS = re.compile(r"HTTP_|REMOTE_|REQUEST_|PATH_|CONTENT_|QUERY_|wsgi")


def by_name(process: Process) -> str:
    return process.name


def test_the_page_is_generated_from_the_code() -> None:
    assert PAGE.read_text() == settings_page(), "run python -m deploy.settings"


def test_every_setting_is_described_once_and_none_is_invented() -> None:
    assert list(MEANINGS) == sorted(MEANINGS)
    assert set(MEANINGS) == READ_BY_PROCESSES | set(COMMAND_SETTINGS) | set(DEMO_SETTINGS)


def test_no_code_reads_an_undescribed_setting() -> None:
    places = ("contracts", "sched", "monolith", "deploy")
    # The applications of the tutorial are not part of the product.
    product = [
        path
        for path in committed()
        if name_of(path).startswith(places) and not name_of(path).startswith("deploy/docs/the-way")
    ]
    read = {(name, name_of(path)) for path in product if path.suffix == ".py" for name in settings_read_in(path)}
    assert len({name for name, _ in read}) > 15
    assert {(name, file) for name, file in read if name not in MEANINGS} == set()


def settings_read_in(path: Path) -> Iterator[str]:
    for prefix, direct, helped in _READ.findall(path.read_text()):
        names = [f"{each}_{direct}" for each in ("MONOLITH", "SCHEDULING")] if prefix else [direct or helped]
        yield from (name for name in names if not NOT_SETTINGS.match(name))


@pytest.mark.parametrize("process", PROCESSES, ids=by_name)
def test_an_unset_setting_has_the_stated_default(process: Process) -> None:
    defaults = {name: MEANINGS[name].default for name in read_settings_of(process)}
    stated = {name: value for name, value in defaults.items() if value is not None}
    unset = {name: value for name, value in VALID.items() if name not in stated}
    assert load(process, unset) == load(process, unset | stated)
    for name in stated:
        assert other_value(process, unset, name) != load(process, unset), f"{name} has another default"


def other_value(process: Process, environment: dict[str, str], name: str) -> object:
    """Load with another value than the default; a refusal counts as another value."""
    value = "9" if MEANINGS[name].default == "7" else "7"
    try:
        return load(process, environment | {name: value})
    except ConfigError as error:
        return str(error)


@pytest.mark.parametrize("process", PROCESSES, ids=by_name)
def test_a_process_starts_with_the_settings_that_are_called_required(process: Process) -> None:
    required = {name for name, setting in read_settings_of(process).items() if setting.required}
    assert required <= set(VALID)
    load(process, {name: VALID[name] for name in required})
    assert [name for name in required if MEANINGS[name].default is not None] == []
