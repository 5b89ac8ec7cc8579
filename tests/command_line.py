"""The `extraction` command, run inside the test process against a deployment named by the environment."""

import sys
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from deploy.cli.main import main
from tests.databases import Databases


class CommandResult(NamedTuple):
    returncode: object
    stdout: str
    stderr: str


class CommandLine:
    """Call it with the arguments after `extraction`; keyword arguments are further settings."""

    def __init__(
        self,
        settings: Mapping[str, str],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self._settings, self._monkeypatch, self._capsys = settings, monkeypatch, capsys

    def __call__(self, *arguments: str, **settings: str) -> CommandResult:
        self._monkeypatch.setattr(sys, "argv", ["extraction", *arguments])
        for name, value in {**self._settings, **settings}.items():
            self._monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capsys.readouterr()
        return CommandResult(ended.value.code or 0, out, err)


def monolith_settings(databases: Databases) -> dict[str, str]:
    return {"MONOLITH_DATABASE_URL": databases.monolith_url, "DATABASE_ROLE_SECRET": databases.role_secret}


def cutover_settings(databases: Databases) -> dict[str, str]:
    return {**monolith_settings(databases), "SCHEDULING_DATABASE_URL": databases.scheduling_url}
