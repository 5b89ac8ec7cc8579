"""Limits on mails to one address, with which strangers cannot keep its owner from receiving any."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

from monolith.modules.auth.api import FoundLink
from monolith.modules.auth.module import account_mails
from monolith.modules.notifications.module import letter_sender
from monolith.shared.customer_links import CustomerLinks
from monolith.shared.database import ModuleDatabase
from tests.databases import Databases
from tests.integration.auth.post import Post
from tests.integration.notifications.conftest import Mailbox
from tests.site import Client, Site

OWNER = "owner@salon.example"
TAGS = [f"owner+{number}@salon.example" for number in range(6)]
GUEST = "guest@example.org"
REFERENCE = "ABCD1234"


def forget(site: Site, email: str) -> None:
    assert site.client().post("/password-resets", {"email": email}).status_code == 204


def test_resets_of_tags_without_an_account_do_not_use_up_those_of_the_owner(
    site: Site, owner: Client, post: Post
) -> None:
    post.deliver()
    for email in (*TAGS, OWNER):
        forget(site, email)
    assert post.deliver() == [(OWNER, "Set a new password")]


def test_resets_of_one_account_are_limited_and_leave_no_links(site: Site, owner: Client, post: Post) -> None:
    post.deliver()
    for _ in range(7):
        forget(site, OWNER)
    assert post.deliver() == [(OWNER, "Set a new password")] * 5
    assert site.sql("SELECT count(*) FROM auth.mail_token WHERE purpose = 'reset'") == [(5,)]


def test_sign_ups_with_tags_do_not_use_up_the_confirmation_of_the_address(
    site: Site, owner: Client, post: Post
) -> None:
    for number in range(6):
        assert site.client().join("salon", f"cleo+{number}@example.org").status_code == 201
    post.deliver()
    assert site.client().join("salon", "cleo@example.org").status_code == 201
    assert post.deliver() == [("cleo@example.org", "Confirm your e-mail address")]


def test_invitations_of_tags_do_not_use_up_that_of_the_address(site: Site, owner: Client, post: Post) -> None:
    addresses = [f"dora+{number}@example.org" for number in range(6)] + ["dora@example.org"]
    for email in addresses:
        answer = owner.post("/businesses/salon/invitations", {"email": email, "role": "reader"})
        assert answer.status_code == 201
    invited = [email for email, subject in post.deliver() if subject.startswith("Invitation")]
    assert invited == [*addresses[:5], "dora@example.org"]


def test_invitations_of_one_account_are_limited_over_all_its_businesses(site: Site, owner: Client) -> None:
    assert owner.sign_up("second", OWNER).status_code == 201
    answers = list[int]()
    for number in range(101):
        slug = ("salon", "second")[number % 2]
        wanted = {"email": f"y{number}@example.org", "role": "reader"}
        answers.append(owner.post(f"/businesses/{slug}/invitations", wanted).status_code)
        site.sql("DELETE FROM auth.invitation")
    assert answers == [201] * 100 + [429]
    second = {"email": "z@example.org", "role": "reader"}
    assert owner.post("/businesses/second/invitations", second).status_code == 429


def test_lost_links_with_a_wrong_reference_charge_nothing(
    site: Site, owner: Client, databases: Databases, mailbox: Mailbox
) -> None:
    business = site.auth.api.business_by_slug("salon")
    assert business is not None
    with finding_post(site, databases, mailbox) as post:
        post.deliver()
        for reference in [f"WRONG{number}" for number in range(6)] + [REFERENCE]:
            site.auth.customers.request_lost_link(business.business_id, GUEST, reference, "192.0.2.1")
        assert post.deliver() == [(GUEST, f"Your appointment {REFERENCE}")]


@contextmanager
def finding_post(site: Site, databases: Databases, mailbox: Mailbox) -> Iterator[Post]:
    """A sender that finds one appointment, by its reference."""

    def find(business_id: UUID, email: str, reference: str) -> FoundLink | None:
        if (email, reference) != (GUEST, REFERENCE):
            return None
        return FoundLink(
            uuid4(), "a massage", datetime(2027, 1, 4, 9, tzinfo=UTC), "Europe/Lisbon", f"{site.url}/manage"
        )

    sending = ModuleDatabase(databases.monolith_url, role="notifications_sender", secret=databases.role_secret)
    letters = letter_sender(sending, smtp_url=mailbox.url, public_url=site.url)
    try:
        yield Post(
            account_mails(site.database, letters, site.url, CustomerLinks("a secret of the test"), find), mailbox
        )
    finally:
        letters.close()
        sending.close()
