"""A person takes over the account that a stranger has signed up with the person's address."""

import pytest

from monolith.shared.database import new_id
from tests.integration.auth.post import Post
from tests.site import PASSWORD, Client, Site

VIC = "vic@example.org"
OWN = "the person's own password"
_HELD = """
    INSERT INTO notifications.message (message_id, business_id, user_id, appointment_id, version, kind, event, state)
    VALUES (%s, %s, %s, %s, 1, 'confirmation', '', 'held')
"""
_NO_REMINDERS = "INSERT INTO notifications.preference (business_id, user_id, reminder) VALUES (%s, %s, false)"


def sign_up_and_hold_a_mail(site: Site) -> Client:
    stranger = site.client()
    user_id = stranger.join("salon", VIC).json()["user_id"]
    site.sql(_HELD, new_id(), new_id(), user_id, new_id())
    return stranger


def states(site: Site) -> list[str]:
    return [row[0] for row in site.sql("SELECT state FROM notifications.message")]


def test_held_mails_of_a_stranger_are_dropped(site: Site, owner: Client, post: Post) -> None:
    sign_up_and_hold_a_mail(site)
    link = {"token": post.token("confirm-email", VIC), "password": OWN}
    assert site.client().post("/confirm-email", link).status_code == 200
    post.deliver()
    assert states(site) == ["failed"]


def test_preferences_of_a_stranger_end(site: Site, owner: Client, post: Post) -> None:
    """Only by a take-over: after a password reset, the owner is the same."""
    user_ids = [site.client().join("salon", VIC).json()["user_id"], new_id()]
    for user_id in user_ids:
        site.sql(_NO_REMINDERS, new_id(), user_id)
    link = {"token": post.token("confirm-email", VIC), "password": OWN}
    assert site.client().post("/confirm-email", link).status_code == 200
    post.deliver()
    assert site.sql("SELECT user_id FROM notifications.preference") == [(user_ids[1],)]


def test_held_mails_of_the_own_account_are_released(site: Site, owner: Client, post: Post) -> None:
    vic = sign_up_and_hold_a_mail(site)
    assert vic.post("/confirm-email", {"token": post.token("confirm-email", VIC)}).status_code == 200
    post.deliver()
    assert states(site) == ["pending"]


@pytest.mark.parametrize(("form", "name"), [({"name": "Vic"}, "Vic"), ({}, "vic")])
def test_name_of_a_stranger_is_replaced(site: Site, owner: Client, post: Post, form: dict[str, str], name: str) -> None:
    assert site.client().join("salon", VIC).status_code == 201
    link, vic = {"token": post.token("confirm-email", VIC), "password": OWN}, site.client()
    assert vic.post("/confirm-email", link | form).json()["name"] == name
    assert vic.get("/me").json()["user"]["name"] == name


def test_own_name_stays(site: Site, owner: Client, post: Post) -> None:
    assert site.client().join("salon", VIC).status_code == 201
    link = {"token": post.token("confirm-email", VIC), "password": PASSWORD, "name": "Somebody else"}
    assert site.client().post("/confirm-email", link).json()["name"] == "Cleo Customer"
