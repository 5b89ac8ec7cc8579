"""Old mails and reminders are pruned without waiting for the sender, and the sender does not wait for them."""

from datetime import timedelta

import psycopg
import pytest

from monolith.modules.notifications import pruning
from monolith.modules.notifications.pruning import MailPruner
from tests.databases import Databases
from tests.integration.events.sample_events import Story
from tests.integration.notifications.conftest import Mailbox, Office

RETENTION = timedelta(days=90)


@pytest.fixture
def pruner(office: Office) -> MailPruner:
    return MailPruner(office.sending, RETENTION)


def add_mails(office: Office, number: int, *, state: str, days: int) -> None:
    """Add mails with ids of their time, like the product's."""
    office.administer(
        f"""
        INSERT INTO notifications.message
               (message_id, business_id, user_id, appointment_id, version, kind, event, state, created_at)
        SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || lpad(to_hex(i), 20, '0'))::uuid,
               gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'confirmation', '', '{state}', at
          FROM generate_series(1, {number}) AS i, (SELECT now() - interval '{days} days' AS at) AS time
        """
    )


def states(office: Office, table: str) -> list[str]:
    return [state for (state,) in office.administer(f"SELECT state FROM notifications.{table} ORDER BY state")]


def test_only_old_mails_that_are_done_are_pruned(office: Office, pruner: MailPruner) -> None:
    for state in ("sent", "failed", "pending"):
        add_mails(office, 1, state=state, days=91)
    add_mails(office, 1, state="sent", days=89)
    assert not pruner.step()
    assert states(office, "message") == ["pending", "sent"]


def test_reminders_of_the_past_are_pruned(office: Office, pruner: MailPruner) -> None:
    story = Story()
    office.hear(story.booked(), story.rescheduled(), Story().booked())
    office.administer("UPDATE notifications.reminder SET due_at = due_at - interval '100 days' WHERE version = 1")
    pruner.step()
    assert states(office, "reminder") == ["waiting", "waiting"], "only the void one was deleted"


def test_mails_are_pruned_in_small_transactions(office: Office, pruner: MailPruner) -> None:
    add_mails(office, pruning.BATCH + 10, state="sent", days=91)
    assert pruner.step()
    assert len(states(office, "message")) == 10
    assert not pruner.step()
    assert states(office, "message") == []


def test_sender_and_pruning_do_not_wait_for_each_other(
    office: Office, mailbox: Mailbox, pruner: MailPruner, databases: Databases
) -> None:
    add_mails(office, 2, state="sent", days=91)
    office.hear(Story(customer_id=office.customer()).booked())
    with psycopg.connect(databases.monolith_admin_url) as other:
        other.execute("SELECT 1 FROM notifications.message WHERE state = 'sent' LIMIT 1 FOR UPDATE")
        pruner.step()
        assert len(states(office, "message")) == 2, "the locked row was skipped"
        other.execute("DELETE FROM notifications.message WHERE state = 'sent'")  # A pruning that is not committed.
        office.send_all()
        assert len(mailbox.mails) == 1
