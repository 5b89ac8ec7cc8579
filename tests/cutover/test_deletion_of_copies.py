"""No command deletes a copy while the deletion would be replicated to the owner of the business."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from uuid import UUID

import psycopg
import pytest

from contracts.scheduling.values import DatabaseName
from deploy.devstack.postgres import PostgresServer
from monolith.cutover import replication
from monolith.cutover.copies import FinalizeRefused, discard_copies
from monolith.cutover.databases import REPLICATOR, SchedulingDatabases
from monolith.cutover.finalize import finalize_extraction
from monolith.cutover.replication import ReplicationRefused
from monolith.cutover.replication.direction import directions
from monolith.cutover.replication.discarding import discard
from monolith.cutover.replication.slot_creation import create_slot
from tests.command_line import CommandLine, CommandResult, cutover_settings
from tests.contract.port.shop import Shop, at
from tests.cutover.replication_pair import administrator, same, start
from tests.cutover.restorable import RestorableServers, move, silent
from tests.cutover.writers import opened, switched_port
from tests.databases import Databases
from tests.polling import eventually
from tests.servers import ROOT

FINALIZE = ("finalize", "--confirm", "there is no way back")


@contextlib.contextmanager
def moved_shop(pair: SchedulingDatabases) -> Iterator[Shop]:
    """Provide a business with one booking, which the service owns and the monolith's database replicates."""
    with switched_port(pair) as port:
        shop = opened(port)
        start(pair)
        move(pair, shop, "monolith", "scheduling")
        shop.book(at(9))
        assert same(pair, shop.business_id)
        yield shop


def bookings(pair: SchedulingDatabases, business_id: UUID) -> dict[DatabaseName, int]:
    found = {}
    for name in pair.names:
        with pair.at(name).connect() as db:
            row = db.execute("SELECT count(*) FROM scheduling.appointment WHERE business_id = %s", (business_id,))
            found[name] = row.fetchall()[0][0]
    return found


def refusal(result: CommandResult) -> str:
    """Return the message of a command that was refused: exit code 2, and one line."""
    assert (result.returncode, len(result.stderr.strip().splitlines())) == (2, 1), result
    return result.stderr


@contextlib.contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """Freeze the process that accepts connections; those that are open, such as replication's, continue."""
    pid = int((server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# ---- an unreachable database


@pytest.mark.long
@pytest.mark.parametrize("frozen_one", ["scheduling", "monolith"])
def test_finalize_deletes_nothing_while_a_database_does_not_answer(
    restorable: RestorableServers, extraction: CommandLine, frozen_one: DatabaseName
) -> None:
    pair = restorable.pair
    with moved_shop(pair) as shop:
        with frozen(restorable.servers[frozen_one]):
            message = refusal(extraction(*FINALIZE))
        assert f"the {frozen_one} database at" in message
        if frozen_one == "scheduling":
            assert "nothing was deleted" in message
            assert "`extraction db check scheduling`" in message
        # The canary proves that every earlier change has arrived in both databases.
        replication.send_canary(pair.extraction, "monolith", seconds=20.0)
        replication.send_canary(pair.extraction, "scheduling", seconds=20.0)
        assert bookings(pair, shop.business_id) == {"monolith": 1, "scheduling": 1}
        assert extraction(*FINALIZE).returncode == 0
        assert bookings(pair, shop.business_id) == {"monolith": 0, "scheduling": 1}


# ---- replication that is left, or that another operator starts


def test_no_copy_is_deleted_while_a_slot_would_send_the_deletion(pair: SchedulingDatabases) -> None:
    with moved_shop(pair) as shop:
        with pytest.raises(FinalizeRefused, match="monolith database is replicated with another one"):
            discard_copies(pair, "monolith", silent)
        with pair.monolith.connect(REPLICATOR) as db, pytest.raises(ReplicationRefused):
            discard(pair.monolith, db, shop.business_id)
        assert replication.stop(pair.extraction) == []
        assert bookings(pair, shop.business_id) == {"monolith": 1, "scheduling": 1}
        assert discard_copies(pair, "monolith", silent) > 1


def test_a_slot_that_is_created_during_a_deletion_does_not_send_it(pair: SchedulingDatabases) -> None:
    with moved_shop(pair) as shop:
        assert replication.stop(pair.extraction) == []
        slot = directions(pair.extraction)[0].subscription
        with (
            pair.monolith.connect(REPLICATOR, statement_seconds=0.0) as deletes,
            pair.monolith.connect(REPLICATOR, statement_seconds=0.0) as creates,
            pair.monolith.connect(REPLICATOR) as db,
        ):
            db.execute("SELECT scheduling.publish('{}')")
            # The deletion waits in its first statement, after its look at the slots.
            with db.transaction():
                db.execute("LOCK TABLE scheduling.fence_mark IN SHARE MODE")
                deletion = threading.Thread(target=discard, args=(pair.monolith, deletes, shop.business_id))
                deletion.start()
                waits_for_a_lock(pair, deletes)
                creation = threading.Thread(target=create_slot, args=(pair.monolith, creates, slot))
                creation.start()
                eventually(lambda: has_slot(pair, slot), "the slot")
            for each in (deletion, creation):
                each.join()
            db.execute(
                "INSERT INTO scheduling.canary (canary_id, sent_at) VALUES (%s, clock_timestamp())", (shop.business_id,)
            )
            assert changes_of(db, slot) == [b"I"]
            db.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
        assert bookings(pair, shop.business_id) == {"monolith": 0, "scheduling": 1}


def waits_for_a_lock(pair: SchedulingDatabases, waiting: psycopg.Connection[tuple[object, ...]]) -> None:
    with pair.monolith.connect(REPLICATOR) as db:
        query = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
        eventually(lambda: db.execute(query, (waiting.info.backend_pid,)).fetchone() == (True,), "a wait for a lock")


def has_slot(pair: SchedulingDatabases, name: str) -> bool:
    with pair.monolith.connect(REPLICATOR) as db:
        return db.execute("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", (name,)).fetchone() is not None


def changes_of(db: psycopg.Connection[tuple[object, ...]], slot: str) -> list[bytes]:
    """Return the kinds of the changes of rows that the slot would send."""
    rows = db.execute(
        """
        SELECT substr(data, 1, 1) FROM pg_logical_slot_peek_binary_changes(
            %s, NULL, NULL, 'proto_version', '1', 'publication_names', 'scheduling')
        """,
        (slot,),
    ).fetchall()
    return [bytes(kind) for (kind,) in rows if bytes(kind) in (b"I", b"U", b"D")]  # type: ignore[call-overload]


def test_finalize_ends_what_an_interrupted_stop_left(pair: SchedulingDatabases, databases: Databases) -> None:
    with moved_shop(pair) as shop:
        first, _ = directions(pair.extraction)
        administrator(databases, f"DROP SUBSCRIPTION {first.subscription}", first.subscriber.name)
        assert finalize_extraction(pair, "scheduling", silent) > 1
        assert [each.subscribed for each in replication.read_status(pair.extraction).directions] == [False, False]
        shop.book(at(10))
        assert bookings(pair, shop.business_id) == {"monolith": 0, "scheduling": 2}
        assert not has_slot(pair, first.subscription)


@contextlib.contextmanager
def paused(settings: Mapping[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command that is frozen once it has ended replication, and provide it in that state."""
    command = [sys.executable, "-m", "tests.cutover.paused_command", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **settings}, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        try:
            assert os.WIFSTOPPED(status), "the command ended before it had ended replication"
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def resumed(process: "subprocess.Popen[str]") -> CommandResult:
    os.kill(process.pid, signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    return CommandResult(process.returncode, out, err)


def test_a_reset_that_lost_its_lock_deletes_nothing_that_another_operator_replicates(
    stopped_at_the_end: SchedulingDatabases, databases: Databases
) -> None:
    pair = stopped_at_the_end
    with switched_port(pair) as port:
        shop = opened(port)
        shop.book(at(9))
        start(pair)
        with paused(cutover_settings(databases), "reset", "--yes") as reset:
            administrator(
                databases,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'reset by %'",
                "monolith",
            )
            start(pair, discard_copies=True)
            message = refusal(resumed(reset))
        assert "nothing was deleted: the scheduling database is replicated with another one" in message
        replication.send_canary(pair.extraction, "scheduling", seconds=20.0)
        assert bookings(pair, shop.business_id) == {"monolith": 1, "scheduling": 1}
