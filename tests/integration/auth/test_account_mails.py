"""The queue of mails about accounts: slow servers, and unusual addresses."""

import pytest

from tests.integration.auth.post import Post
from tests.site import Client, Site


def test_batch_without_time_releases_its_mails_without_an_attempt(
    site: Site, owner: Client, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.deliver()
    for _ in range(2):
        assert site.client().post("/password-resets", {"email": "owner@salon.example"}).status_code == 204
    monkeypatch.setattr("monolith.modules.auth.account_mails.BATCH_SECONDS", -1.0)
    assert post.mails.step()
    assert site.sql("SELECT attempts, next_attempt_at <= now() FROM auth.mail") == [(0, True)] * 2
    monkeypatch.undo()
    assert len(post.deliver()) == 2


def test_address_with_two_dots_receives_mail(site: Site, owner: Client, post: Post) -> None:
    assert site.client().join("salon", "a..b@docomo.example").status_code == 201
    assert ("a..b@docomo.example", "Confirm your e-mail address") in post.deliver()
