"""Owners and staff of a business: invited, changed and removed."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.integration.auth.post import Post
from tests.site import PASSWORD, Client, Site

OWNER = "owner@salon.example"
STEF = "stef@example.org"
MEMBERS = "/businesses/salon/members"
INVITATIONS = "/businesses/salon/invitations"


def roles(client: Client) -> dict[str, str]:
    return {m["business"]["slug"]: m["role"] for m in client.get("/me").json()["memberships"]}


def invited(owner: Client, post: Post, email: str = STEF, role: str = "staff") -> str:
    """Invite, and return the token of the mail."""
    assert owner.post(INVITATIONS, {"email": email, "role": role}).status_code == 201
    return post.token("invitation", email)


def new_member(site: Site, owner: Client, post: Post, email: str = STEF, role: str = "staff") -> Client:
    """Return the client of a person who has accepted an invitation with a new account."""
    client = site.client()
    body = {"token": invited(owner, post, email, role), "name": "Stef Staff", "password": PASSWORD}
    assert client.post("/invitations/accept", body).status_code == 200
    return client


def id_of(client: Client) -> str:
    found: str = client.get("/me").json()["user"]["user_id"]
    return found


def test_new_person_accepts_with_a_password_of_their_own(site: Site, owner: Client, post: Post) -> None:
    token, stef = invited(owner, post, "Stef@Example.org".lower()), site.client()
    seen = stef.post("/invitations/open", {"token": token}).json()
    assert (seen["business_name"], seen["role"], seen["email"], seen["has_account"]) == (
        "The salon", "staff", STEF, False
    )  # fmt: skip
    body = {"token": token, "name": "Stef Staff", "password": PASSWORD}
    assert stef.post("/invitations/accept", body).json() == {"slug": "salon", "role": "staff"}
    assert roles(stef) == {"salon": "staff"}
    assert stef.get("/me").json()["user"]["email_confirmed"], "the mail proves the address"
    assert site.client().post("/invitations/accept", body).status_code == 404, "an invitation is used once"
    assert owner.get(INVITATIONS).json() == {"invitations": []}


def test_signed_in_user_accepts_with_the_account_they_have(site: Site, owner: Client, post: Post) -> None:
    baker = site.client()
    baker.sign_up("bakery")
    site.confirm("owner@bakery.example")
    token = invited(owner, post, role="owner")
    assert baker.post("/invitations/accept", {"token": token}).json() == {"slug": "salon", "role": "owner"}
    assert roles(baker) == {"bakery": "owner", "salon": "owner"}


def test_invited_address_with_an_account_signs_in_with_its_password(site: Site, owner: Client, post: Post) -> None:
    site.client().join("salon", STEF)
    site.confirm(STEF)
    token, stef = invited(owner, post), site.client()
    assert stef.post("/invitations/accept", {"token": token, "password": "a wrong password"}).status_code == 401
    assert stef.post("/invitations/accept", {"token": token, "password": PASSWORD}).status_code == 200
    assert roles(stef) == {"salon": "staff"}


def test_accepting_ends_the_sign_ups_of_strangers_with_the_address(site: Site, owner: Client, post: Post) -> None:
    stranger = site.client()
    stranger.join("salon", STEF, "another password")
    new_member(site, owner, post)
    assert stranger.get("/me").status_code == 401
    assert site.client().log_in(STEF, "another password").status_code == 401


def test_invitation_is_replaced_expires_and_is_revoked(site: Site, owner: Client, post: Post) -> None:
    first, second = invited(owner, post), invited(owner, post)
    client = site.client()
    assert [client.post("/invitations/open", {"token": each}).status_code for each in (first, second)] == [404, 200]
    [listed] = owner.get(INVITATIONS).json()["invitations"]
    assert owner.delete(f"{INVITATIONS}/{listed['invitation_id']}").status_code == 204
    assert client.post("/invitations/open", {"token": second}).status_code == 404
    third = invited(owner, post)
    site.sql("UPDATE auth.invitation SET expires_at = expires_at - interval '7 days'")
    assert client.post("/invitations/open", {"token": third}).status_code == 404
    assert owner.get(INVITATIONS).json() == {"invitations": []}


def test_answer_to_an_invitation_does_not_depend_on_the_address(site: Site, owner: Client) -> None:
    site.client().join("salon", STEF)
    site.confirm(STEF)
    answers = [owner.post(INVITATIONS, {"email": email}) for email in (STEF, "nobody@example.org")]
    assert [(answer.status_code, sorted(answer.json())) for answer in answers] == [
        (201, ["created_at", "email", "expires_at", "invitation_id", "role"])
    ] * 2


def test_members_are_listed_for_staff_and_changed_by_owners_only(site: Site, owner: Client, post: Post) -> None:
    stef, customer = new_member(site, owner, post), site.client()
    customer.join("salon", "cleo@example.org")
    assert [(m["email"], m["role"]) for m in stef.get(MEMBERS).json()["members"]] == [(OWNER, "owner"), (STEF, "staff")]
    owner_id = id_of(owner)
    for client, expected in ((stef, 403), (customer, 403), (site.client(), 401)):
        answers = [
            client.request("PATCH", f"{MEMBERS}/{owner_id}", json={"role": "staff"}),
            client.delete(f"{MEMBERS}/{owner_id}"),
            client.post(INVITATIONS, {"email": "eve@example.org"}),
            client.get(INVITATIONS),
        ]
        assert [answer.status_code for answer in answers] == [expected] * 4
    assert customer.get(MEMBERS).status_code == 403


@pytest.mark.parametrize("role", ["staff", "owner"])
def test_removal_ends_sessions_and_what_the_member_has_made(site: Site, owner: Client, post: Post, role: str) -> None:
    stef = new_member(site, owner, post, role=role)
    programs = []
    if role == "owner":
        made = stef.post("/businesses/salon/tokens", {"name": "till", "role": "staff"}).json()
        programs.append(Client(site.url, made["secret"]))
        invited(stef, post, "friend@example.org")
    assert all(program.get("/me").status_code == 200 for program in programs)
    assert owner.delete(f"{MEMBERS}/{id_of(stef)}").status_code == 204
    assert [client.get("/me").status_code for client in (stef, *programs)] == [401] * (1 + len(programs))
    assert stef.log_in(STEF).status_code == 200
    assert roles(stef) == {"salon": "customer"}
    assert owner.get(INVITATIONS).json() == {"invitations": []}
    assert len(owner.get(MEMBERS).json()["members"]) == 1


@pytest.mark.parametrize("change", ["removed", "reader"])
def test_member_does_not_return_by_an_older_invitation(site: Site, owner: Client, post: Post, change: str) -> None:
    stef = new_member(site, owner, post)
    token, path = invited(owner, post, STEF, "owner"), f"{MEMBERS}/{id_of(stef)}"
    other = invited(owner, post, "friend@example.org")
    if change == "removed":
        assert owner.delete(path).status_code == 204
    else:
        assert owner.request("PATCH", path, json={"role": change}).status_code == 204
    body = {"token": token, "password": PASSWORD}
    assert site.client().post("/invitations/accept", body).status_code == 404
    assert site.client().post("/invitations/open", {"token": other}).status_code == 200, "those to others stay"


def test_owner_who_becomes_staff_loses_the_tokens_made_as_owner(site: Site, owner: Client, post: Post) -> None:
    stef = new_member(site, owner, post, role="owner")
    program = Client(site.url, stef.post("/businesses/salon/tokens", {"name": "t", "role": "owner"}).json()["secret"])
    change = {"role": "staff"}
    assert owner.request("PATCH", f"{MEMBERS}/{id_of(stef)}", json=change).status_code == 204
    assert program.get("/me").status_code == 401
    assert roles(stef) == {"salon": "staff"}


def test_last_owner_can_neither_be_removed_nor_become_staff_nor_leave(site: Site, owner: Client) -> None:
    path = f"{MEMBERS}/{id_of(owner)}"
    answers = [
        owner.request("PATCH", path, json={"role": "staff"}),
        owner.delete(path),
        owner.post("/me/delete", {"current_password": PASSWORD}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "last_owner")] * 3
    assert roles(owner) == {"salon": "owner"}


def test_two_owners_who_remove_each_other_leave_one(site: Site, owner: Client, post: Post) -> None:
    other = new_member(site, owner, post, role="owner")
    removals = [(owner, id_of(other)), (other, id_of(owner))]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda each: each[0].delete(f"{MEMBERS}/{each[1]}").status_code, removals))
    assert 204 in answers
    assert site.sql("SELECT count(*) FROM auth.membership WHERE role = 'owner'") == [(1,)]


def test_unknown_member_and_customer_are_not_found(site: Site, owner: Client) -> None:
    customer = site.client()
    customer.join("salon", "cleo@example.org")
    for user_id in (id_of(customer), uuid4(), "no-id"):
        assert owner.delete(f"{MEMBERS}/{user_id}").status_code == 404
