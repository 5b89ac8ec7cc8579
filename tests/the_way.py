"""Build a step of `deploy/docs/the-way` and run its tests: `python -m tests.the_way STEP FOLDER`."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from deploy.devstack.postgres import PostgresServer

WAY = Path(__file__).resolve().parents[1] / "deploy/docs/the-way"
PATCHES = sorted(WAY.glob("[1-9]-*.patch"))
STEPS = [str(step) for step in range(len(PATCHES) + 1)]


def build(step: int, folder: Path) -> None:
    """Write the application as it is after `step` into a new folder outside of any git repository."""
    shutil.copytree(WAY / "0-tangled", folder, ignore=shutil.ignore_patterns("__pycache__"))
    outside = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    for patch in PATCHES[:step]:
        subprocess.run(["git", "apply", "--whitespace=error", str(patch)], cwd=folder, env=outside, check=True)


def run_tests(folder: Path, admin_url: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a built step on two new databases of this server."""
    with _database(admin_url) as shop, _database(admin_url) as service:
        settings = {
            "SHOP_DATABASE_URL": shop,
            "SERVICE_DATABASE_URL": service,
            "SHOP_ROLE_PASSWORD": secrets.token_hex(16),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."]
        return subprocess.run(command, cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True)


@contextmanager
def _database(admin_url: str) -> Iterator[str]:
    """Create a database, and drop it and the roles that a step created for it."""
    name = f"way_{secrets.token_hex(4)}"
    server = urlsplit(admin_url)._replace(path="/postgres").geturl()
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            yield urlsplit(admin_url)._replace(path=f"/{name}").geturl()
        finally:
            db.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
            for (role,) in db.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", (name,)):
                db.execute(SQL("DROP ROLE {}").format(Identifier(role)))


def main() -> None:
    match sys.argv[1:]:
        case [step, folder] if step in STEPS:
            if Path(folder).exists():
                sys.exit(f"{folder} exists: name a new folder")
            build(int(step), Path(folder))
        case _:
            sys.exit(f"usage: python -m tests.the_way STEP FOLDER; STEP is one of {', '.join(STEPS)}")
    with tempfile.TemporaryDirectory() as data, PostgresServer(Path(data) / "postgres", durable=False) as server:
        ended = run_tests(Path(folder), server.admin_url())
    sys.stdout.write(ended.stdout + ended.stderr)
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
