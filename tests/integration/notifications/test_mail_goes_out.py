"""Delivery of mails from an event to the mail server, with its errors."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import get_args

import pytest
from msgspec.structs import replace

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications import repository
from monolith.modules.notifications.due_mails import BATCH
from monolith.modules.notifications.mail import ComposedMail
from monolith.modules.notifications.model import FOR_THE_BUSINESS, BusinessNotices, Kind, Preferences
from monolith.modules.notifications.sender import RetryPolicy, Sender
from monolith.modules.notifications.smtp import MailServer
from monolith.shared.database import new_id
from tests.faults.scripted_server import CLOSE, Step, peer
from tests.integration.events.sample_events import BUSINESS, Story
from tests.integration.notifications.conftest import SENDER, Mailbox, Office


def states(office: Office) -> list[tuple[str, int, str | None]]:
    return office.administer("SELECT state, attempts, problem FROM notifications.message ORDER BY message_id")


def test_every_event_sends_a_mail_to_the_customer(office: Office, mailbox: Mailbox) -> None:
    story = Story(customer_id=office.customer())
    office.hear(story.booked(), story.rescheduled(), story.cancelled("ill"))
    office.send_all()
    assert [subject.partition(":")[0] for subject in mailbox.subjects()] == ["Booked", "Moved", "Cancelled"]
    assert {str(mail["To"]) for mail in mailbox.mails} == {"Zoë <zoe@example.org>"}
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 3
    assert all(len(list(mail.iter_attachments())) == 1 for mail in mailbox.mails)
    assert states(office) == [("sent", 1, None)] * 3
    assert not office.sender.step()


def test_mail_is_in_the_language_of_its_recipient_or_else_of_the_business(office: Office, mailbox: Mailbox) -> None:
    office.language = "de"
    unknown, english = (Story(customer_id=office.customer(language=each)) for each in (None, "en"))
    office.hear(unknown.booked(), english.booked())
    office.send_all()
    assert [subject.partition(":")[0] for subject in mailbox.subjects()] == ["Gebucht", "Booked"]


def test_preferences_select_the_mails(office: Office, mailbox: Mailbox) -> None:
    story, other = Story(customer_id=office.customer()), Story(customer_id=office.customer(email="bob@example.org"))
    service = office.module.api
    customer = story.appointment.customer_id
    assert service.preferences(BUSINESS, customer) == Preferences()
    wanted = Preferences(confirmation=False, reminder=False)
    service.set_preferences(BUSINESS, customer, Preferences(change=False))
    assert service.set_preferences(BUSINESS, customer, wanted) == wanted
    assert service.preferences(BUSINESS, customer) == wanted
    office.hear(story.booked(), other.booked(), story.rescheduled())
    office.send_all()
    assert [(str(mail["To"]), mail["Subject"][:6]) for mail in mailbox.mails] == [
        ("Zoë <bob@example.org>", "Booked"),
        ("Zoë <zoe@example.org>", "Moved:"),
    ]


def test_the_business_is_told_what_it_wants_to_know(office: Office, mailbox: Mailbox) -> None:
    story, quiet = Story(customer_id=office.customer()), Story(customer_id=office.customer(), business_id=new_id())
    wanted = BusinessNotices(bookings=True, cancellations=True)
    assert office.module.api.business_notices(BUSINESS) == BusinessNotices()
    office.module.api.set_business_notices(BUSINESS, BusinessNotices(changes=True))
    assert office.module.api.set_business_notices(BUSINESS, wanted) == wanted
    assert office.module.api.business_notices(BUSINESS) == wanted
    office.hear(story.booked(), story.rescheduled(), story.cancelled("ill"), quiet.booked())
    office.send_all()
    told = [mail for mail in mailbox.mails if "desk@example.org" in str(mail["To"])]
    assert [str(mail["Subject"]).partition(":")[0] for mail in told] == ["Booking received", "Cancelled"]
    body = told[0].get_body(("plain",))
    assert body is not None
    link = f"https://book.example/office/appointments/{BUSINESS}/{story.appointment.appointment_id}"
    assert "Customer: Zoë" in body.get_content()
    assert link in body.get_content()
    assert len(mailbox.mails) == 6


def test_permanent_rejection_is_final_and_recorded(office: Office, mailbox: Mailbox) -> None:
    mailbox.answers = ["550 no such mailbox\twith us"]
    office.hear(Story(customer_id=office.customer()).booked())
    office.send_all()
    office.time_passes()
    office.send_all()
    assert states(office) == [("failed", 1, "550 no such mailbox with us")]


def test_temporary_error_is_retried(office: Office, mailbox: Mailbox) -> None:
    mailbox.answers = ["451 greylisted"]
    office.hear(Story(customer_id=office.customer()).booked())
    office.send_all()
    assert states(office) == [("pending", 1, "451 greylisted")]
    assert not office.sender.step(), "not before its time"
    office.time_passes()
    office.send_all()
    assert states(office) == [("sent", 2, None)]


def test_mail_fails_after_the_last_retry(office: Office, mailbox: Mailbox) -> None:
    office.hear(Story(customer_id=office.customer()).booked())
    away = office.another_sender("smtp://127.0.0.1:1", RetryPolicy(first=timedelta(0), attempts=3))
    assert away.step()
    ((state, _, problem),) = states(office)
    assert (state, problem) == ("pending", "ConnectionRefusedError: [Errno 111] Connection refused")
    while away.step():
        pass
    ((state, attempts, problem),) = states(office)
    assert (state, attempts) == ("failed", 3)
    assert problem is not None
    assert problem.startswith("given up after 3 attempts")


def test_silent_mail_server_times_out(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monolith.modules.notifications.smtp_session.TIMEOUT", 0.2)
    script: list[Step] = [b"220 hello\r\n", 5.0, CLOSE]
    office.hear(Story(customer_id=office.customer()).booked())
    with peer(lambda _: script) as silent:
        assert office.another_sender(silent.url.replace("http", "smtp")).step()
    assert states(office)[0][0] == "pending"


def test_mail_with_a_lost_reply_is_sent_again_with_the_same_id(office: Office, mailbox: Mailbox) -> None:
    mailbox.after_data = ["421 going down"]
    office.hear(Story(customer_id=office.customer()).booked())
    office.send_all()
    office.time_passes()
    office.send_all()
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


def test_mail_of_a_crashed_sender_is_sent_by_another(office: Office, mailbox: Mailbox) -> None:
    class Killed(BaseException):
        pass

    class LastWords(MailServer):
        def send(self, mail: ComposedMail) -> None:
            super().send(mail)
            raise Killed

    office.hear(Story(customer_id=office.customer()).booked())
    with pytest.raises(Killed):
        Sender(office.sending, office, LastWords(mailbox.url), SENDER).step()
    assert not office.sender.step(), "it is the other's for two minutes"
    office.time_passes()
    office.send_all()
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 1
    assert states(office) == [("sent", 2, None)]


def test_concurrent_senders_send_each_mail_once(office: Office, mailbox: Mailbox) -> None:
    customer = office.customer()
    office.hear(*(Story(customer_id=customer).booked() for _ in range(3 * BATCH)))
    with ThreadPoolExecutor(4) as pool:
        for sender in [office.another_sender(mailbox.url) for _ in range(4)]:
            pool.submit(send_all, sender)
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == len(mailbox.mails) == 3 * BATCH


def send_all(sender: Sender) -> None:
    while sender.step():
        pass


def test_temporary_error_of_one_mail_does_not_affect_the_next(office: Office, mailbox: Mailbox) -> None:
    mailbox.answers = ["451 greylisted"]
    office.hear(*(Story(customer_id=office.customer()).booked() for _ in range(3)))
    office.send_all()
    assert sorted(states(office)) == [("pending", 1, "451 greylisted"), ("sent", 1, None), ("sent", 1, None)]


def test_connection_lost_during_one_mail_defers_that_mail_only(office: Office, mailbox: Mailbox) -> None:
    mailbox.after_data = ["421 going down"]
    office.hear(*(Story(customer_id=office.customer()).booked() for _ in range(3)))
    office.send_all()
    assert sorted(state for state, *_ in states(office)) == ["pending", "sent", "sent"]


@pytest.mark.parametrize("email", ["nobody", "x@y\r\nRCPT TO:<z@example.org>"])
def test_invalid_address_fails_permanently(office: Office, mailbox: Mailbox, email: str) -> None:
    office.hear(Story(customer_id=office.customer(email=email)).booked(), Story().booked())
    office.send_all()
    assert mailbox.mails == []
    reasons = [problem for state, _, problem in states(office) if state == "failed"]
    assert len(reasons) == 2
    assert "the recipient has no e-mail address" in reasons


def test_mail_that_cannot_be_composed_does_not_block_others(office: Office, mailbox: Mailbox) -> None:
    customer = office.customer()
    nowhere = Story(customer_id=customer).with_appointment(zone="Moon/Base")
    office.hear(nowhere.booked(), Story(customer_id=customer).booked())
    office.send_all()
    assert len(mailbox.mails) == 1
    assert [state for state, *_ in states(office)] == ["pending", "sent"]


def test_application_roles_see_only_their_rows(office: Office) -> None:
    story, other = Story(), Story(business_id=Story().appointment.appointment_id)
    office.hear(story.booked(), other.booked())
    statement = "SELECT count(*) FROM notifications.message"
    with office.database.transaction() as connection:
        assert connection.exec_driver_sql(statement).scalar_one() == 0, "no business set, no rows"
    with office.database.transaction(other.business_id) as connection:
        assert connection.exec_driver_sql(statement).scalar_one() == 1
    with office.sending.transaction() as connection:
        assert connection.exec_driver_sql(statement).scalar_one() == 2


def told(office: Office, *events: AnyEvent) -> list[str]:
    """Return the kinds of mail that the events send."""
    office.hear(*events)
    kinds = office.administer("SELECT kind FROM notifications.message ORDER BY message_id")
    return [kind for (kind,) in kinds]


def test_hold_of_a_checkout_sends_no_mail(office: Office) -> None:
    left, given_back, taken = Story(), Story(), Story()
    assert told(office, left.held(), left.expired(), given_back.held(), given_back.cancelled()) == []
    assert told(office, taken.held(), taken.booked(), taken.cancelled()) == ["confirmation", "cancellation"]


def test_change_without_notice_sends_no_mail(office: Office) -> None:
    story = Story()
    assert told(office, replace(story.rescheduled(), notify=False), replace(story.cancelled(), notify=False)) == []


def test_offer_is_sent_regardless_of_preferences(office: Office) -> None:
    story = Story()
    nothing = Preferences(confirmation=False, change=False, cancellation=False, reminder=False)
    office.module.api.set_preferences(BUSINESS, story.appointment.customer_id, nothing)
    assert told(office, story.held(new_id()), story.booked(), story.missed(100)) == ["offer"]


def test_request_and_its_outcome_send_mails(office: Office) -> None:
    approved, declined = Story(), Story()
    events: list[AnyEvent] = [approved.requested(), approved.booked(), declined.requested(), declined.declined("full")]
    assert told(office, *events) == ["request", "confirmation", "request", "decline"]


def test_no_show_sends_a_mail_only_with_a_fee(office: Office) -> None:
    free, dear, came = Story(), Story(), Story()
    office.hear(free.booked(), dear.booked(), came.booked())
    assert told(office, free.missed(0), came.completed(), dear.missed(100))[3:] == ["no_show"]


@pytest.mark.parametrize("kind", sorted(set(get_args(Kind)) - FOR_THE_BUSINESS))
def test_every_kind_is_stored_and_follows_preferences(office: Office, kind: Kind) -> None:
    story = Story()
    with office.database.transaction(BUSINESS) as connection:
        repository.add_messages(connection, [(story.booked(), kind)])
    assert Preferences().wants(kind)
    refused = Preferences(confirmation=False, change=False, cancellation=False, reminder=False)
    assert refused.wants(kind) == (kind == "offer")
