"""Errors of commands: one line with the problem and the remedy, exit code 2, and no process left running."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.devstack.clean import clean
from deploy.devstack.keys import load_keys
from deploy.devstack.lock import lock_data_folder
from deploy.devstack.ports import free_port, free_ports
from deploy.devstack.settings import DEFAULT_PORTS
from deploy.errors import CommandError
from tests.servers import ROOT


def test_port_in_use_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = str(stranger.getsockname()[1])
        message = refused(tmp_path, "demo", SMTP_PORT=port)
    assert f"port {port}" in message
    assert "set SMTP_PORT" in message


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8000.5", "²"])
def test_invalid_port_is_named(tmp_path: Path, port: str) -> None:
    assert f"MAIL_PORT is {port!r}" in refused(tmp_path, "demo", MAIL_PORT=port)


def test_two_servers_on_one_port_are_refused(tmp_path: Path) -> None:
    assert "are both 9999" in refused(tmp_path, "demo", MAIL_PORT="9999", REDIS_PORT="9999")


def test_second_demo_in_one_folder_is_refused(tmp_path: Path) -> None:
    with lock_data_folder(tmp_path / "run" / "lock"):
        message = refused(tmp_path, "demo")
    assert f"(process {os.getpid()})" in message
    assert "DATA_DIR" in message


def test_unreachable_database_server_is_named_without_the_password(tmp_path: Path) -> None:
    url = f"postgresql://admin:hunter2@127.0.0.1:{free_port()}/monolith"
    message = refused(tmp_path, "demo", MONOLITH_DATABASE_URL=url)
    assert "cannot connect to the monolith database" in message
    assert "MONOLITH_DATABASE_URL" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("command", "url"),
    [
        (["demo"], "nonsense"),
        (["demo"], "mysql://host/monolith"),
        (["demo"], "postgresql://host:port/monolith"),
        (["status"], "nonsense"),
        (["db", "check", "monolith"], "mysql://host/monolith"),
        (["flag", "show"], "postgresql://host:port/monolith"),
    ],
)
def test_malformed_database_url_is_named(tmp_path: Path, command: list[str], url: str) -> None:
    message = refused(tmp_path, *command, MONOLITH_DATABASE_URL=url, DATABASE_ROLE_SECRET="0123456789abcdef")
    assert "MONOLITH_DATABASE_URL is malformed: it must look like postgresql://host:port/database" in message


def test_unreachable_redis_is_named_without_the_password(tmp_path: Path) -> None:
    message = refused(tmp_path, "demo", REDIS_URL=f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    assert "does not answer" in message
    assert "correct REDIS_URL" in message
    assert "hunter2" not in message


def test_unwritable_data_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = refused(tmp_path / "file", "demo")
    assert f"cannot write to {tmp_path / 'file'}" in message
    assert "set DATA_DIR" in message
    assert "no demo is running" in refused(tmp_path / "file", "status")


@pytest.mark.skipif(os.geteuid() == 0 or sys.platform != "linux", reason="root may listen on any port")
def test_privileged_port_is_refused(tmp_path: Path) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if first == 0:
        pytest.skip("this machine lets every user listen on any port")
    assert "may not listen on port" in refused(tmp_path, "demo", MAIL_PORT=str(first - 1))


@pytest.mark.parametrize("reason", ["x" * 201, "red \x1b[31m"])
def test_long_or_unprintable_reason_is_refused(tmp_path: Path, reason: str) -> None:
    assert "one line of at most 200 characters" in refused(tmp_path, "flag", "set", "http", "--reason", reason)


def test_one_database_server_for_both_deployments_is_refused(tmp_path: Path) -> None:
    url = "postgresql://admin@127.0.0.1:5432/{}"
    urls = {
        "MONOLITH_DATABASE_URL": url.format("monolith"),
        "SCHEDULING_DATABASE_URL": url.format("scheduling"),
    }
    assert "need a server each" in refused(tmp_path, "demo", **urls)


def test_command_without_a_deployment_asks_for_a_running_demo(tmp_path: Path) -> None:
    assert "no demo is running" in refused(tmp_path, "db", "check", "monolith")


def test_missing_role_secret_is_named(tmp_path: Path) -> None:
    message = refused(tmp_path, "db", "setup", "monolith", MONOLITH_DATABASE_URL="postgresql://127.0.0.1/monolith")
    assert "DATABASE_ROLE_SECRET is not set" in message


def test_unknown_mail_is_an_error(tmp_path: Path) -> None:
    assert "there is no mail 7" in refused(tmp_path, "mail", "show", "7")


def test_damaged_secrets_file_is_named(tmp_path: Path) -> None:
    load_keys(tmp_path / "secrets.json")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "secrets.json").write_text('{"half": ')
    with pytest.raises(CommandError, match=r"secrets\.json is damaged"):
        load_keys(tmp_path / "secrets.json")


def test_clean_removes_only_the_files_of_the_stack(tmp_path: Path) -> None:
    load_keys(tmp_path / "secrets.json")
    (tmp_path / "thesis.txt").touch()
    clean(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with lock_data_folder(tmp_path / "run" / "lock"), pytest.raises(CommandError, match="a demo runs in"):
        clean(tmp_path)


def refused(data: Path, *arguments: str, **settings: str) -> str:
    """Run a command that must fail with exit code 2 and one line, and return that line."""
    ports = {name: str(port) for name, port in free_ports(DEFAULT_PORTS).items()}
    names = ("MONOLITH_DATABASE_URL", "SCHEDULING_DATABASE_URL", "REDIS_URL", "DATABASE_ROLE_SECRET")
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    finished = subprocess.run(
        [sys.executable, "-m", "deploy.cli.main", *arguments],
        cwd=ROOT,
        env={**inherited, **ports, "DATA_DIR": str(data), **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 2, finished.stderr
    assert finished.stderr.count("\n") == 1, finished.stderr
    return finished.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("flag", "set", "http", "--percent", "5"), "--percent needs --all"),
        (("flag", "set", "http", "--business", "a", "--all"), "exclude one another"),
        (("flag", "set", "http", "--dry-run"), "--dry-run needs --business or --all"),
        (("flag", "set", "http", "--all", "--fence-seconds", "0"), "0.1<=x<=30"),
        (("flag", "set", "http", "--business", "a", "--guard-errors", "5"), "--guard-errors needs --guard"),
        (("flag", "set", "http", "--business", "a", "--guard-p95-ms", "5"), "--guard-p95-ms needs --guard"),
        (("flag", "set", "http", "--business", "a", "--guard-for", "5"), "--guard-for needs --guard"),
        (("flag", "set", "http", "--all", "--guard-minutes", "5"), "--guard-minutes needs --guard"),
        (("databases", "drain", "scheduling-2", "--fence-seconds", "nan"), "nan is not a number"),
        (("cutover", "abort"), "Missing argument 'SLUG'"),
        (("cutover", "status"), "no demo is running"),
        (("replicate", "start"), "no demo is running"),
        (("verify", "--sample", "200"), "0<=x<=100"),
        (("finalize", "--confirm", "yes"), "the confirmation was not typed"),
    ],
)
def test_invalid_arguments_of_cutover_commands_are_refused(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert message in refused(tmp_path, *arguments)
