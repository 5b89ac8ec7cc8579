"""Mails of other modules to the operators."""

from uuid import uuid4

from monolith.operators import operators_auth
from tests.databases import Databases
from tests.integration.auth.post import Post, text_of

PASSWORD = "a long password of a person"


def test_every_operator_receives_a_notice_once_and_viewers_none(databases: Databases, post: Post) -> None:
    accounts = operators_auth(databases.monolith_url, databases.role_secret)
    for email in ("olga@example.com", "otto@example.com"):
        accounts.grant_operator_role(email, "operator", name=email, password=PASSWORD)
    accounts.grant_operator_role("vic@example.com", "viewer", name="Vic", password=PASSWORD)
    notice = uuid4()
    for _ in range(2):
        accounts.write_to_operators(notice, "shop was moved back", ("Its calls failed.", "extraction audit"))
    delivered = post.deliver()
    assert sorted(delivered) == [(email, "shop was moved back") for email in ("olga@example.com", "otto@example.com")]
    assert "Its calls failed." in text_of(post.mailbox.mails[-1])
    assert post.deliver() == []
