"""Members of a Postgres cluster under Patroni on this machine, and the cluster that they form."""

import os
import secrets
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from string import Template

import psycopg

from deploy.devstack.child import Child
from deploy.devstack.identity import Identity, postgres_identity
from deploy.devstack.ports import HOST, free_port
from deploy.devstack.postgres import clean_environment, postgres_program
from deploy.errors import CommandError

TEMPLATE = Path(__file__).with_name("patroni.yml")
CALLBACK = Path(__file__).with_name("drop_old_slots.py")
READY_SECONDS = 90.0
# A copy is complete when it is permanent: until then a promotion drops it. `synced` is false for a slot that a former
# leader still has of its own, and has no meaning on a leader.
_SLOTS = """
    SELECT slot_name,
           CASE WHEN invalidation_reason IS NOT NULL THEN 'invalid: ' || invalidation_reason
                WHEN temporary THEN 'not complete yet'
                WHEN pg_is_in_recovery() AND NOT synced THEN 'not a copy'
                ELSE 'complete' END
      FROM pg_replication_slots WHERE slot_type = 'logical' AND failover AND slot_name LIKE 'scheduling\\_%'
    """


class PatroniMember(Child):
    """A Patroni process with its Postgres server in one folder. `values` fill in what the template leaves open."""

    start_seconds = READY_SECONDS
    stop_seconds = 40.0

    def __init__(self, folder: Path, name: str, values: Mapping[str, str]) -> None:
        self.folder = folder.absolute()
        super().__init__(name, self.folder / "patroni.log")
        self.port, self.rest_port = free_port(), free_port()
        self._values = {
            **values,
            "MEMBER": name,
            "HOST": HOST,
            "NETWORK": f"{HOST}/32",
            "PORT": str(self.port),
            "REST_PORT": str(self.rest_port),
            "FOLDER": str(self.folder),
            "PYTHON": sys.executable,
            "CALLBACK": str(CALLBACK),
            "CONFIGURATION": str(self.folder / "patroni.yml"),
            "PROGRAMS": str(postgres_program("postgres").parent),
        }

    def answers(self, path: str) -> bool:
        """Return whether Patroni's API answers a path, such as /primary, with 200."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.rest_port}{path}", timeout=2) as reply:
                return bool(reply.status == 200)
        except (OSError, urllib.error.URLError, ValueError):
            return False

    @property
    def postgres_pid(self) -> int | None:
        """The process id of the postmaster; None if it does not run."""
        try:
            pid = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return pid

    def signal_postgres(self, number: signal.Signals) -> None:
        """Send a signal to the postmaster, and, for one that it cannot pass on, to each of its processes."""
        pid = self.postgres_pid
        if pid is None:
            return
        for each in (pid, *_children(pid)):
            with suppress(ProcessLookupError):
                os.kill(each, number)

    def kill_postgres(self) -> None:
        """Kill Postgres, and leave Patroni running."""
        self.signal_postgres(signal.SIGKILL)

    def kill_machine(self) -> None:
        """Kill Patroni and Postgres at once, as a power failure does."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
        self.signal_postgres(signal.SIGKILL)
        self.kill()

    def freeze(self) -> None:
        """Stop Patroni and Postgres until `thaw`, as a hypervisor does that pauses a machine."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGSTOP)
        self.signal_postgres(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue Postgres and Patroni after `freeze`."""
        self.signal_postgres(signal.SIGCONT)
        if self.pid is not None:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        self.thaw()
        super().stop()
        # Postgres is no child of Patroni, and survives it.
        self.kill_postgres()

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "patroni.yml"
        configuration.write_text(Template(TEMPLATE.read_text()).substitute(self._values))
        configuration.chmod(0o600)
        self._identity.take_ownership(self.folder)

    def _prefix(self) -> Sequence[str]:
        return self._identity.prefix

    def _command(self) -> Sequence[str]:
        return [sys.executable, "-m", "patroni", str(self.folder / "patroni.yml")]

    def _environment(self) -> Mapping[str, str]:
        return clean_environment()

    def _is_ready(self) -> bool:
        return self.answers("/health")

    @property
    def _identity(self) -> Identity:
        return postgres_identity(postgres_program("postgres"))


class PostgresCluster:
    """Two or three members, one of which leads; another one is the synchronous standby."""

    def __init__(self, folder: Path, name: str, etcd_hosts: Sequence[str], size: int = 3) -> None:
        self.name = name
        self.password = secrets.token_urlsafe(16)
        names = [f"{name}-{number}" for number in range(1, size + 1)]
        shared = {
            "CLUSTER": name,
            "ETCD_HOSTS": ",".join(etcd_hosts),
            "STRICT": str(size > 2).lower(),
            "SUPERUSER_PASSWORD": self.password,
            "REPLICATION_PASSWORD": secrets.token_urlsafe(16),
        }
        self.members = [
            PatroniMember(folder / each, each, {**shared, "OTHER_MEMBERS": _slots(names, each)}) for each in names
        ]

    def leader(self) -> PatroniMember:
        """Return the member that leads. Raises CommandError if none does."""
        found = [member for member in self.members if member.answers("/primary")]
        if len(found) != 1:
            raise CommandError(f"the cluster {self.name} has {len(found)} leaders")
        return found[0]

    @property
    def is_complete(self) -> bool:
        """Whether one member leads, the others follow, and one of them is synchronous."""
        answers = [
            tuple(member.answers(path) for path in ("/primary", "/replica", "/synchronous")) for member in self.members
        ]
        return (
            sum(primary for primary, *_ in answers) == 1
            and sum(replica for _, replica, _ in answers) == len(self.members) - 1
            and any(synchronous for *_, synchronous in answers)
        )

    def wait_until_complete(self) -> None:
        """Raises CommandError if a member does not come up."""
        wait_until(lambda: self.is_complete, f"the cluster {self.name} is complete")

    def unprotected(self, database: str) -> list[str]:
        """Return why replication would not survive a failover to one of the members; empty if it would.

        Asks the leader for a record of its open transactions: a standby completes its copy of a slot only once the slot
        has advanced beyond the moment at which the copy began.
        """
        found: dict[str, dict[str, str]] = {}
        for member in self.members:
            try:
                with psycopg.connect(self.url_of(member, database), connect_timeout=2) as db:
                    db.execute("SELECT pg_log_standby_snapshot() WHERE NOT pg_is_in_recovery()")
                    found[member.name] = dict(db.execute(_SLOTS).fetchall())
            except psycopg.Error as error:
                return [f"{member.name} does not answer: {' '.join(str(error).split())}"]
        wanted = {slot for slots in found.values() for slot in slots}
        lacking = [f"no slot on {self.name}"] * (not wanted)
        for name, slots in found.items():
            for slot in sorted(wanted):
                state = slots.get(slot, "missing")
                lacking += [f"slot {slot} on {name} is {state}"] * (state != "complete")
        return lacking

    def url(self, database: str) -> str:
        """Return an administrator's URL of all members, of which clients take the leader."""
        hosts = ",".join(f"{HOST}:{member.port}" for member in self.members)
        return f"postgresql://postgres:{self.password}@{hosts}/{database}?target_session_attrs=read-write"

    def url_of(self, member: PatroniMember, database: str) -> str:
        """Return an administrator's URL of one member."""
        return f"postgresql://postgres:{self.password}@{HOST}:{member.port}/{database}"


def wait_until(holds: Callable[[], bool], what: str, seconds: float = READY_SECONDS) -> None:
    """Return when the condition holds. Raises CommandError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise CommandError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.2)


def _slots(names: Sequence[str], member: str) -> str:
    """Return the physical slots of the other members, which Patroni names after them."""
    return ",".join(name.replace("-", "_") for name in names if name != member)


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(each) for each in text.split()]
