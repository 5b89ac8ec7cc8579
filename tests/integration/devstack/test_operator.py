"""`extraction operator add` on real databases."""

import os
import subprocess
import sys

import psycopg
import pytest

from tests.databases import Databases


def extraction(databases: Databases, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "MONOLITH_DATABASE_URL": databases.monolith_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
    }
    command = [sys.executable, "-m", "deploy.cli.main", *arguments]
    return subprocess.run(command, env=environment, input=typed, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("times", [1, 2])
def test_add_creates_an_operator_and_can_be_repeated(databases: Databases, times: int) -> None:
    for _ in range(times):
        made = extraction(databases, "operator", "add", "Ann@example.com", "--name", "Ann", typed="0123456789\n" * 2)
        assert (made.returncode, made.stdout) == (0, "ann@example.com is an operator\n"), made.stderr

    with psycopg.connect(databases.monolith_admin_url) as db:
        assert db.execute("SELECT email, is_operator FROM auth.account").fetchall() == [("ann@example.com", True)]


def test_unknown_address_is_one_line_with_the_remedy(databases: Databases) -> None:
    refused = extraction(databases, "operator", "add", "nobody@example.com")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "extraction: nobody@example.com has no account: sign it up first, or create one with --name\n"
    )


@pytest.mark.parametrize(
    "password, problem",
    [("short", "too short: use at least 10 characters"), ("x" * 201, "too long: use at most 200 characters")],
)
def test_short_or_overlong_password_creates_no_account(databases: Databases, password: str, problem: str) -> None:
    typed = f"{password}\n" * 2
    refused = extraction(databases, "operator", "add", "ann@example.com", "--name", "Ann", typed=typed)

    assert refused.returncode == 2
    assert problem in refused.stderr
    with psycopg.connect(databases.monolith_admin_url) as db:
        assert db.execute("SELECT count(*) FROM auth.account").fetchone() == (0,)


def test_roles_are_granted_listed_revoked_and_audited(databases: Databases) -> None:
    made = extraction(
        databases, "operator", "add", "vic@example.com", "--viewer", "--name", "Vic", "--reason", "on call",
        typed="0123456789\n" * 2,
    )  # fmt: skip
    assert made.stdout == "vic@example.com is a viewer\n", made.stderr
    assert "vic@example.com  Vic   viewer" in extraction(databases, "operator", "list").stdout

    removed = extraction(databases, "operator", "remove", "vic@example.com")

    assert removed.stdout == "vic@example.com has no role any more\n", removed.stderr
    assert extraction(databases, "operator", "list").stdout.startswith("there are no operators yet")
    for email, missing in (("vic@example.com", "role"), ("nobody@example.com", "account")):
        refused = extraction(databases, "operator", "remove", email)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert (
            refused.stderr == f"extraction: {email} has no {missing}: `extraction operator list` shows the operators\n"
        )
    with psycopg.connect(databases.monolith_admin_url) as db:
        entries = db.execute(
            "SELECT action, subject, after, reason FROM platform.audit ORDER BY recorded_at"
        ).fetchall()
    subject = "account:vic@example.com"
    assert entries == [("operator.granted", subject, "viewer", "on call"), ("operator.revoked", subject, None, "")]
