"""A forgotten password is replaced by mail."""

from concurrent.futures import ThreadPoolExecutor

from requests import Response

from tests.integration.auth.post import Post
from tests.site import Client, Site

OWNER = "owner@salon.example"
NEW = "a much better one"


def forget(site: Site, email: str = OWNER) -> int:
    return site.client().post("/password-resets", {"email": email}).status_code


def use(client: Client, token: str, password: str = NEW) -> int:
    return client.post("/password-resets/use", {"token": token, "new_password": password}).status_code


def test_link_sets_a_new_password_once_and_ends_other_sessions_and_tokens(
    site: Site, owner: Client, post: Post
) -> None:
    made = owner.post("/businesses/salon/tokens", {"name": "till", "role": "staff"}).json()
    program = Client(site.url, made["secret"])
    assert forget(site) == 204
    token, phone = post.token("reset-password", OWNER), site.client()
    assert [use(phone, token), use(site.client(), token, "another one, later")] == [200, 404]
    assert [client.get("/me").status_code for client in (owner, program, phone)] == [401, 401, 200]
    assert site.client().log_in(OWNER).status_code == 401
    assert site.client().log_in(OWNER, NEW).status_code == 200
    assert (OWNER, "Your password was changed") in post.deliver()


def test_reset_ends_the_invitations_that_the_account_has_sent(site: Site, owner: Client, post: Post) -> None:
    for role in ("owner", "reader"):
        body = {"email": f"{role}@eve.example", "role": role}
        assert owner.post("/businesses/salon/invitations", body).status_code == 201
    sent = [post.token("invitation", f"{role}@eve.example") for role in ("owner", "reader")]
    forget(site)
    phone = site.client()
    assert use(phone, post.token("reset-password", OWNER)) == 200
    eve = {"name": "Eve", "password": "a password of her own"}
    answers = [site.client().post("/invitations/accept", {"token": each, **eve}).status_code for each in sent]
    assert answers == [404, 404]
    assert phone.get("/businesses/salon/invitations").json() == {"invitations": []}


def test_simultaneous_uses_of_a_link_have_one_winner(site: Site, owner: Client, post: Post) -> None:
    forget(site)
    token = post.token("reset-password", OWNER)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: use(site.client(), token, f"new password {n}"), range(4)))
    assert sorted(answers) == [200, 404, 404, 404]


def test_link_expires_after_an_hour(site: Site, owner: Client, post: Post) -> None:
    forget(site)
    token = post.token("reset-password", OWNER)
    assert site.sql("SELECT expires_at <= now() + interval '1 hour' FROM auth.mail_token WHERE purpose = 'reset'") == [
        (True,)
    ]
    site.sql("UPDATE auth.mail_token SET expires_at = now()")
    assert use(site.client(), token) == 404


def test_change_of_the_password_makes_earlier_links_invalid(site: Site, owner: Client, post: Post) -> None:
    forget(site)
    token = post.token("reset-password", OWNER)
    change = {"current_password": "correct horse battery", "new_password": "another one, later"}
    assert owner.post("/me/password", change).status_code == 204
    assert use(site.client(), token) == 404


def test_thief_who_changes_the_password_again_and_again_does_not_keep_the_owner_out(
    site: Site, owner: Client, post: Post
) -> None:
    passwords = ["correct horse battery", *(f"the thief's password {number}" for number in range(6))]

    def change(number: int) -> Response:
        body = {"current_password": passwords[number], "new_password": passwords[number + 1]}
        return owner.post("/me/password", body)

    assert [change(number).status_code for number in range(5)] == [204] * 5
    forget(site)
    token, phone = post.token("reset-password", OWNER), site.client()
    refused = change(5)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert 1 <= int(refused.headers["Retry-After"]) <= 300
    assert use(phone, token) == 200, "a reset is not subject to the limit"
    assert [client.get("/me").status_code for client in (owner, phone)] == [401, 200]


def test_unknown_and_unconfirmed_addresses_answer_the_same_and_receive_nothing(
    site: Site, owner: Client, post: Post
) -> None:
    site.client().join("salon", "cleo@example.org")
    post.deliver()
    assert [forget(site, email) for email in (OWNER, "nobody@example.org", "cleo@example.org")] == [204] * 3
    assert post.deliver() == [(OWNER, "Set a new password")]


def test_requests_from_one_network_address_are_limited(site: Site) -> None:
    answers = [forget(site, f"user{n}@example.org") for n in range(21)]
    assert answers == [204] * 20 + [429]


def test_link_does_not_confirm_an_address_and_the_other_way_round(site: Site, owner: Client, post: Post) -> None:
    forget(site)
    token = post.token("reset-password", OWNER)
    assert owner.post("/confirm-email", {"token": token}).status_code == 404
    cleo = site.client()
    cleo.join("salon", "cleo@example.org")
    assert use(cleo, post.token("confirm-email", "cleo@example.org")) == 404
