"""Restore a database of a backup into a new data directory."""

import contextlib
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from contracts.scheduling.values import DatabaseName
from deploy.backups.manifest import Manifest
from deploy.backups.programs import find_program, major_version, run_program
from deploy.devstack.identity import postgres_identity
from deploy.devstack.postgres import clean_environment
from deploy.errors import CommandError

Say = Callable[[str], None]
_POLL_SECONDS = 0.05
_STOP_SECONDS = 60.0
_HBA, _CONFIG, _LOG = "restore_hba.conf", "restore.conf", "restore.log"
_SIGNAL = "recovery.signal"

# A restored server would connect to another one and take over the stream of the present subscription.
_DROP_SUBSCRIPTIONS = (
    "DO $$DECLARE s record; BEGIN FOR s IN SELECT subname FROM pg_subscription WHERE subdbid = "
    "(SELECT oid FROM pg_database WHERE datname = current_database()) LOOP "
    "EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', s.subname); "
    "EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', s.subname); "
    "EXECUTE format('DROP SUBSCRIPTION %I', s.subname); END LOOP; END$$"
)


def restore(backup: Path, manifest: Manifest, name: DatabaseName, data: Path, say: Say) -> None:
    """Restore one database of the backup up to the consistent point, into the new data directory `data`.

    The server is recovered without listening anywhere and stopped again. It begins a new timeline, so every lease in it
    is void until `extraction recover`. Run it as the operating-system user that runs Postgres. Raises CommandError.
    """
    described = manifest.databases.get(name)
    if described is None:
        raise CommandError(f"{backup} does not contain the {name} database: it has {', '.join(manifest.databases)}")
    _require_version(described.server_version)
    if data.exists() and any(data.iterdir()):
        raise CommandError(f"{data} is not empty: name a new data directory, or move the old one away")
    say(f"checking the backup of the {name} database")
    source = (backup / name).absolute()
    run_program("pg_verifybackup", ["--no-parse-wal", "--exit-on-error", "--quiet", str(source / "base")])
    say(f"restoring the {name} database into {data}")
    data.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source / "base", data, symlinks=True, dirs_exist_ok=True)
    data.chmod(0o700)
    try:
        _recover(data, source / "wal", manifest.point)
        _run_alone(data, described.database, _DROP_SUBSCRIPTIONS)
    finally:
        for file in (_HBA, _CONFIG):
            (data / file).unlink(missing_ok=True)
    (data / _LOG).unlink(missing_ok=True)


def _require_version(server_version: int) -> None:
    needed, found = server_version // 10_000, major_version()
    if needed != found:
        raise CommandError(f"the backup is of Postgres {needed}, and these programs are of {found}: install {needed}")


def _recover(data: Path, wal: Path, point: str) -> None:
    """Run the server until it has reached the point and left recovery, on a new timeline."""
    (data / _CONFIG).touch()
    (data / _HBA).write_text("local all all reject\n")
    (data / _SIGNAL).touch()
    archive = shlex.quote(str(wal)).replace("%", "%%")
    settings = {
        "restore_command": f'cp {archive}/%f "%p"',
        "recovery_target_name": point,
        "recovery_target_action": "promote",
        "recovery_target_timeline": "current",
    }
    identity = postgres_identity(find_program("postgres"))
    identity.take_ownership(data)
    # A server needs one socket at least; the path of one has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="restore-") as sockets, (data / _LOG).open("wb") as log:
        identity.take_ownership(Path(sockets))
        command = _server(data, {**settings, "unix_socket_directories": sockets})
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment())
        try:
            while server.poll() is None and not _in_production(data):
                time.sleep(_POLL_SECONDS)
        finally:
            ended = server.poll() is not None
            _stop(server)
    if ended:
        raise CommandError(f"the restored server did not reach {point}: {_last_words(data / _LOG)}")


def _server(data: Path, settings: dict[str, str]) -> Sequence[str]:
    """Return the command of a server that accepts no connections and replicates nothing."""
    program = find_program("postgres")
    isolated = {
        "config_file": str(data / _CONFIG),
        "hba_file": str(data / _HBA),
        "listen_addresses": "",
        "max_logical_replication_workers": "0",
        # Without it, the settings of the former server would have to be repeated.
        "hot_standby": "off",
        "wal_level": "logical",
    }
    options = [word for key, value in {**isolated, **settings}.items() for word in ("-c", f"{key}={value}")]
    return [*postgres_identity(program).prefix, str(program), "-D", str(data), *options]


def _in_production(data: Path) -> bool:
    """Return whether the server has left recovery. The copied control file claims it from the beginning."""
    if (data / _SIGNAL).exists():
        return False
    with contextlib.suppress(CommandError):
        return "in production" in run_program("pg_controldata", [str(data)])
    return False


def _run_alone(data: Path, database: str, statement: str) -> None:
    """Execute a statement of one line without starting a server."""
    program = find_program("postgres")
    done = subprocess.run(
        [
            *postgres_identity(program).prefix, str(program), "--single", "-D", str(data),
            "-c", f"config_file={data / _CONFIG}", "-c", f"hba_file={data / _HBA}", "-c", "wal_level=logical", database,
        ],
        input=f"{statement}\n",
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )  # fmt: skip
    problems = [line for line in done.stderr.splitlines() if "ERROR" in line or "FATAL" in line or "PANIC" in line]
    if done.returncode != 0 or problems:
        reason = " | ".join(problems[-2:]) or f"exit code {done.returncode}"
        raise CommandError(f"the subscriptions of the restored database could not be dropped: {reason}")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if "FATAL" in line or "PANIC" in line]
    return " | ".join(lines[-2:]) or "see its output"
