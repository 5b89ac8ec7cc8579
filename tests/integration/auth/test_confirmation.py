"""E-mail addresses are confirmed by their owners, even if strangers have signed up with them."""

import pytest

from tests.integration.auth.post import Post, text_of
from tests.site import PASSWORD, Client, Site

OWNER = "owner@salon.example"
CLEO = "cleo@example.org"
ANOTHER = "another password"


def is_confirmed(client: Client) -> bool:
    confirmed: bool = client.get("/me").json()["user"]["email_confirmed"]
    return confirmed


def confirm(client: Client, post: Post, email: str = CLEO, **body: object) -> int:
    answer = client.post("/confirm-email", {"token": post.token("confirm-email", email), **body})
    return answer.status_code


def test_new_account_confirms_its_address_by_the_link_in_its_own_browser(site: Site, owner: Client, post: Post) -> None:
    cleo = site.client()
    joined = cleo.join("salon", CLEO).json()["user_id"]
    assert not is_confirmed(cleo)
    assert (CLEO, "Confirm your e-mail address") in post.deliver()
    assert confirm(cleo, post) == 200
    assert is_confirmed(cleo)
    assert cleo.get("/me").json()["user"]["user_id"] == joined


def test_link_is_used_once_and_expires_after_a_day(site: Site, owner: Client, post: Post) -> None:
    cleo = site.client()
    cleo.join("salon", CLEO)
    token = post.token("confirm-email", CLEO)
    site.sql("UPDATE auth.mail_token SET expires_at = expires_at - interval '24 hours'")
    assert cleo.post("/confirm-email", {"token": token}).status_code == 404
    cleo.post("/me/confirmation-mail")
    token = post.token("confirm-email", CLEO)
    assert token.encode() not in b"".join(row[0] for row in site.sql("SELECT secret_hash FROM auth.mail_token"))
    assert [cleo.post("/confirm-email", {"token": token}).status_code for _ in range(2)] == [200, 404]


def test_unconfirmed_sign_up_of_a_stranger_blocks_nobody_and_dies_with_the_confirmation(
    site: Site, owner: Client, post: Post
) -> None:
    stranger, cleo = site.client(), site.client()
    planted = stranger.join("salon", CLEO, ANOTHER).json()["user_id"]
    mine = cleo.join("salon", CLEO).json()["user_id"]
    assert mine != planted
    confirmed = [confirm(cleo, post, password=PASSWORD)]
    assert confirmed == [200]
    assert stranger.get("/me").status_code == 401
    assert site.client().log_in(CLEO, ANOTHER).status_code == 401
    assert site.client().log_in(CLEO).json()["user_id"] == mine


def test_owner_of_the_mailbox_who_opens_a_strangers_link_takes_the_account_over(
    site: Site, owner: Client, post: Post
) -> None:
    stranger, cleo = site.client(), site.client()
    stranger.join("salon", CLEO, ANOTHER)
    assert confirm(cleo, post) == 400, "the link alone confirms nothing"
    assert confirm(cleo, post, password=PASSWORD) == 200
    assert stranger.get("/me").status_code == 401
    assert site.client().log_in(CLEO, ANOTHER).status_code == 401
    assert site.client().log_in(CLEO).status_code == 200


def test_confirmation_with_the_right_password_on_another_device_keeps_the_first_signed_in(
    site: Site, owner: Client, post: Post
) -> None:
    laptop, phone = site.client(), site.client()
    laptop.join("salon", CLEO)
    assert confirm(phone, post, password=PASSWORD) == 200
    assert is_confirmed(laptop)
    assert is_confirmed(phone)


def test_sign_up_with_a_known_address_answers_the_same_and_mails_its_owner(
    site: Site, owner: Client, post: Post
) -> None:
    post.deliver()
    known, unknown = site.client(), site.client()
    answers = [known.join("salon", OWNER, ANOTHER), unknown.join("salon", CLEO, ANOTHER)]
    assert [(a.status_code, sorted(a.json()), a.json()["role"]) for a in answers] == [
        (201, ["role", "user_id"], "customer")
    ] * 2
    sets = [[header.partition("=")[0] for header in a.raw.headers.getlist("Set-Cookie")] for a in answers]
    assert sets == [["session", "device"]] * 2
    mine, theirs = known.get("/me").json(), unknown.get("/me").json()
    assert mine["user"].keys() == theirs["user"].keys()
    assert mine["user"]["email_confirmed"] is theirs["user"]["email_confirmed"] is False
    assert [client.log_in(email, ANOTHER).status_code for client, email in ((known, OWNER), (unknown, CLEO))] == [
        200
    ] * 2
    assert post.deliver() == [(OWNER, "You already have an account"), (CLEO, "Confirm your e-mail address")]
    assert site.client().log_in(OWNER).json()["email"] == OWNER, "the owner's account is untouched"


def test_unconfirmed_account_cannot_let_others_in(site: Site) -> None:
    newcomer = site.client()
    newcomer.sign_up("salon")
    answers = [
        newcomer.post("/businesses/salon/invitations", {"email": CLEO}),
        newcomer.post("/businesses/salon/tokens", {"name": "till", "role": "staff"}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "email_unconfirmed")] * 2


def test_mails_to_one_address_are_limited(site: Site, owner: Client, post: Post) -> None:
    cleo = site.client()
    cleo.join("salon", CLEO)
    for _ in range(20):
        assert cleo.post("/me/confirmation-mail").status_code == 204
    assert len([mail for mail in post.deliver() if mail[0] == CLEO]) == 5


def test_mails_to_the_tags_of_one_mailbox_are_limited_together(site: Site, owner: Client, post: Post) -> None:
    for number in range(12):
        assert site.client().join("salon", f"cleo+{number}@example.org").status_code == 201
    assert len([mail for mail in post.deliver() if mail[0].startswith("cleo+")]) == 5


def test_a_stranger_cannot_write_into_a_mail_to_an_unconfirmed_address(site: Site, owner: Client, post: Post) -> None:
    bait = "Claim your prize at https://evil.example"
    form = {"name": bait, "email": CLEO, "password": PASSWORD}
    assert site.client().post("/businesses/salon/customers", form).status_code == 201
    owner.request("PATCH", "/me", json={"name": bait})
    assert owner.post("/me/email", {"email": "dora@example.org", "current_password": PASSWORD}).status_code == 204
    post.deliver()
    sent = [mail for mail in post.mailbox.mails if mail["To"].addresses[0].addr_spec in (CLEO, "dora@example.org")]
    assert len(sent) == 2
    assert not [mail for mail in sent if "evil.example" in mail.as_string() or "prize" in text_of(mail)]


def test_mails_to_addresses_of_a_members_choice_are_limited(site: Site, owner: Client) -> None:
    change = {"current_password": PASSWORD}
    answers = [owner.post("/me/email", change | {"email": f"x{n}@example.org"}).status_code for n in range(6)]
    assert answers == [204] * 5 + [429]
    invitations = list[int]()
    for number in range(101):
        answer = owner.post("/businesses/salon/invitations", {"email": f"y{number}@example.org", "role": "reader"})
        invitations.append(answer.status_code)
        site.sql("DELETE FROM auth.invitation")
    assert invitations == [201] * 100 + [429]


def test_mail_is_retried_until_the_server_takes_it(site: Site, owner: Client, post: Post) -> None:
    site.client().join("salon", CLEO)
    site.sql("DELETE FROM auth.mail WHERE email <> %s", CLEO)
    post.mailbox.answers.append("451 try again later")
    assert post.deliver() == []
    site.sql("UPDATE auth.mail SET next_attempt_at = now()")
    assert post.deliver() == [(CLEO, "Confirm your e-mail address")]
    assert site.sql("SELECT count(*) FROM auth.mail") == [(0,)]


def test_new_address_replaces_the_old_one_when_it_is_confirmed(site: Site, owner: Client, post: Post) -> None:
    wrong = owner.post("/me/email", {"email": CLEO, "current_password": "guessed it"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    assert owner.post("/me/email", {"email": CLEO, "current_password": PASSWORD}).status_code == 204
    assert site.client().log_in(CLEO).status_code == 401
    token = post.token("confirm-email", CLEO)
    assert (OWNER, "Your e-mail address is being changed") in {
        (str(mail["To"].addresses[0].addr_spec), str(mail["Subject"])) for mail in post.mailbox.mails
    }
    assert site.client().post("/confirm-email", {"token": token, "password": ANOTHER}).status_code == 403
    assert owner.post("/confirm-email", {"token": token}).status_code == 200
    assert site.client().log_in(CLEO).status_code == 200
    assert site.client().log_in(OWNER).status_code == 401


def test_change_to_a_known_address_answers_the_same_and_changes_nothing(site: Site, owner: Client, post: Post) -> None:
    site.client().join("salon", CLEO)
    site.confirm(CLEO)
    assert owner.post("/me/email", {"email": CLEO, "current_password": PASSWORD}).status_code == 204
    assert (CLEO, "This address already has an account") in post.deliver()
    assert site.client().log_in(CLEO).json()["email"] == CLEO


@pytest.mark.parametrize("token", ["", "short", "x" * 43 + "\n", "x" * 44])
def test_malformed_token_is_refused(site: Site, token: str) -> None:
    assert site.client().post("/confirm-email", {"token": token}).status_code == 400
