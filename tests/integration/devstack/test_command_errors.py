"""Wrong surroundings: one line that names the thing and the remedy, exit code 2, nothing left behind."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.devstack.clean import clean
from deploy.devstack.keys import load_keys
from deploy.devstack.lock import lock_data_folder
from deploy.devstack.ports import free_port
from deploy.devstack.settings import DEFAULT_PORTS
from deploy.errors import CommandError
from tests.servers import ROOT


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = str(stranger.getsockname()[1])
        message = refused(tmp_path, "demo", SMTP_PORT=port)
    assert f"port {port}" in message
    assert "set SMTP_PORT" in message


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8000.5", "²"])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    assert f"MAIL_PORT is {port!r}" in refused(tmp_path, "demo", MAIL_PORT=port)


def test_one_port_for_two_servers(tmp_path: Path) -> None:
    assert "are both 9999" in refused(tmp_path, "demo", MAIL_PORT="9999", REDIS_PORT="9999")


def test_a_second_demo_in_one_folder(tmp_path: Path) -> None:
    with lock_data_folder(tmp_path / "run" / "lock"):
        message = refused(tmp_path, "demo")
    assert f"(process {os.getpid()})" in message
    assert "DATA_DIR" in message


def test_a_database_server_of_ones_own_that_does_not_answer(tmp_path: Path) -> None:
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
def test_a_database_url_that_is_none(tmp_path: Path, command: list[str], url: str) -> None:
    message = refused(tmp_path, *command, MONOLITH_DATABASE_URL=url, DATABASE_ROLE_SECRET="0123456789abcdef")
    assert "MONOLITH_DATABASE_URL is malformed: it must look like postgresql://host:port/database" in message


def test_a_redis_of_ones_own_that_does_not_answer(tmp_path: Path) -> None:
    message = refused(tmp_path, "demo", REDIS_URL=f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    assert "does not answer" in message
    assert "correct REDIS_URL" in message
    assert "hunter2" not in message


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = refused(tmp_path / "file", "demo")
    assert f"cannot write to {tmp_path / 'file'}" in message
    assert "set DATA_DIR" in message
    assert "no demo is running" in refused(tmp_path / "file", "status")


@pytest.mark.skipif(os.geteuid() == 0 or sys.platform != "linux", reason="root may listen on any port")
def test_a_port_for_root_only(tmp_path: Path) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if first == 0:
        pytest.skip("this machine lets everybody listen on any port")
    assert "may not listen on port" in refused(tmp_path, "demo", MAIL_PORT=str(first - 1))


@pytest.mark.parametrize("reason", ["x" * 201, "red \x1b[31m"])
def test_a_reason_that_would_spoil_the_audit_log(tmp_path: Path, reason: str) -> None:
    assert "one line of at most 200 characters" in refused(tmp_path, "flag", "set", "http", "--reason", reason)


def test_one_database_server_for_both_deployments(tmp_path: Path) -> None:
    url = "postgresql://admin@127.0.0.1:5432/{}"
    urls = {
        "MONOLITH_DATABASE_URL": url.format("monolith"),
        "SCHEDULING_DATABASE_URL": url.format("scheduling"),
    }
    assert "need a server each" in refused(tmp_path, "demo", **urls)


def test_commands_that_need_a_running_demo_say_so(tmp_path: Path) -> None:
    assert "no demo is running" in refused(tmp_path, "db", "check", "monolith")


def test_a_missing_role_secret(tmp_path: Path) -> None:
    message = refused(tmp_path, "db", "setup", "monolith", MONOLITH_DATABASE_URL="postgresql://127.0.0.1/monolith")
    assert "DATABASE_ROLE_SECRET is not set" in message


def test_a_mail_that_there_is_not(tmp_path: Path) -> None:
    assert "there is no mail 7" in refused(tmp_path, "mail", "show", "7")


def test_damaged_secrets(tmp_path: Path) -> None:
    load_keys(tmp_path / "secrets.json")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "secrets.json").write_text('{"half": ')
    with pytest.raises(CommandError, match=r"secrets\.json is damaged"):
        load_keys(tmp_path / "secrets.json")


def test_clean_removes_what_is_ours_and_nothing_else(tmp_path: Path) -> None:
    load_keys(tmp_path / "secrets.json")
    (tmp_path / "thesis.txt").touch()
    clean(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with lock_data_folder(tmp_path / "run" / "lock"), pytest.raises(CommandError, match="a demo runs in"):
        clean(tmp_path)


def refused(data: Path, *arguments: str, **settings: str) -> str:
    """Run a command that must fail as promised, and return the line it says."""
    ports = {name: str(free_port()) for name in DEFAULT_PORTS}
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
    ("arguments", "words"),
    [
        (("flag", "set", "http", "--percent", "5"), "--percent needs --all"),
        (("flag", "set", "http", "--business", "a", "--all"), "exclude one another"),
        (("flag", "set", "http", "--dry-run"), "--dry-run needs --business or --all"),
        (("flag", "set", "http", "--all", "--fence-seconds", "0"), "0.1<=x<=30"),
        (("flag", "set", "http", "--business", "a", "--guard-errors", "5"), "--guard-errors needs --guard"),
        (("flag", "set", "http", "--business", "a", "--guard-p95-ms", "5"), "--guard-p95-ms needs --guard"),
        (("flag", "set", "http", "--business", "a", "--guard-for", "5"), "--guard-for needs --guard"),
        (("flag", "set", "http", "--all", "--guard-minutes", "5"), "--guard-minutes needs --guard"),
        (("cutover", "abort"), "Missing argument 'SLUG'"),
        (("cutover", "status"), "no demo is running"),
        (("replicate", "start"), "no demo is running"),
        (("verify", "--sample", "200"), "0<=x<=100"),
        (("finalize", "--confirm", "yes"), "the confirmation was not typed"),
    ],
)
def test_a_command_of_the_cutover_that_is_used_wrongly(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    assert words in refused(tmp_path, *arguments)
