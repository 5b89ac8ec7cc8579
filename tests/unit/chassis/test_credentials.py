"""Passwords of database roles: derived from a secret or given, one or two during a rotation."""

from pathlib import Path

import pytest

from contracts.chassis.credentials import (
    MissingPassword,
    role_password,
    role_passwords,
    role_url,
    signing_secrets,
    without_credentials,
)
from contracts.chassis.logins import alternatives
from contracts.chassis.settings import ConfigError, role_secret, secret

OLD, NEW = "old-secret-0123456789", "new-secret-0123456789"
GIVEN = "auth_app=given-password-1234 billing_app=newer-password-123,older-password-123"


def test_each_role_has_a_password_of_its_own() -> None:
    assert role_password(OLD, "auth_app") != role_password(OLD, "billing_app") != role_password(NEW, "billing_app")


def test_two_secrets_give_two_passwords_the_newer_first() -> None:
    assert role_passwords(f"{NEW}, {OLD}", "auth_app") == (
        role_password(NEW, "auth_app"),
        role_password(OLD, "auth_app"),
    )
    assert signing_secrets(f"{NEW},{OLD}", "auth_app") == [OLD, NEW], "the last one signs"


def test_given_passwords_derive_no_others() -> None:
    assert role_passwords(GIVEN, "auth_app") == ("given-password-1234",)
    assert role_passwords(GIVEN, "billing_app") == ("newer-password-123", "older-password-123")
    with pytest.raises(MissingPassword, match="no entry for the role platform_app"):
        role_passwords(GIVEN, "platform_app")


def test_a_url_with_two_passwords_has_an_alternative_for_each() -> None:
    url = role_url("postgresql://admin:x@one:5432,two:5433/db?sslmode=require", "billing_app", GIVEN)
    assert alternatives(url) == tuple(
        f"postgresql://billing_app:{password}@one:5432,two:5433/db?sslmode=require"
        for password in ("newer-password-123", "older-password-123")
    )
    assert without_credentials(url) == "postgresql://one:5432,two:5433/db?sslmode=require"
    plain = role_url("postgresql://one:5432/db", "auth_app", OLD)
    assert alternatives(plain) == (plain,)


@pytest.mark.parametrize("value", [OLD, f"{NEW},{OLD}", GIVEN, "x" * 16])
def test_accepted(value: str) -> None:
    assert role_secret({"SECRET": value}, "SECRET") == value


@pytest.mark.parametrize("value", [f"{NEW},short", f"{NEW},", f"{NEW},{OLD},{OLD}"])
def test_refused_without_quoting_the_secret(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^SECRET is malformed: ") as refused:
        role_secret({"SECRET": value}, "SECRET")
    assert NEW not in str(refused.value)


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{NEW}\n")
    assert secret({"TOKEN_FILE": f"{tmp_path}/secret"}, "TOKEN") == NEW
    with pytest.raises(ConfigError, match=r"^TOKEN_FILE is malformed .* it must be a readable file$"):
        secret({"TOKEN_FILE": f"{tmp_path}/missing"}, "TOKEN")
