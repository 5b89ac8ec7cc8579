"""Several accounts may wait for one address: a link of any of them leads its owner to the own one."""

from tests.integration.auth.post import Post
from tests.site import PASSWORD, Client, Site

VIC = "vic@example.org"
STRANGERS = "a stranger's password"


def vics_business(site: Site) -> Client:
    vic = site.client()
    assert vic.sign_up("vics-shop", VIC).status_code == 201
    return vic


def strangers_link(site: Site, post: Post) -> str:
    """Let a stranger sign up with the address after its owner, and return the token of the newest link."""
    post.deliver()
    assert site.client().join("salon", VIC, STRANGERS).status_code == 201
    return post.token("confirm-email", VIC)


def owned(client: Client) -> list[str]:
    me = client.get("/me").json()
    assert me["user"]["email_confirmed"] is True
    return [each["business"]["slug"] for each in me["memberships"] if each["role"] == "owner"]


def test_newer_link_of_a_stranger_confirms_the_signed_in_account(site: Site, owner: Client, post: Post) -> None:
    vic = vics_business(site)
    token = strangers_link(site, post)
    assert vic.post("/confirm-email", {"token": token}).status_code == 200
    assert owned(vic) == ["vics-shop"]
    assert site.client().log_in(VIC, STRANGERS).status_code == 401


def test_newer_link_of_a_stranger_confirms_the_account_with_the_password(site: Site, owner: Client, post: Post) -> None:
    vics_business(site)
    phone = site.client()
    assert phone.post("/confirm-email", {"token": strangers_link(site, post), "password": PASSWORD}).status_code == 200
    assert owned(phone) == ["vics-shop"]
    assert site.client().log_in(VIC, STRANGERS).status_code == 401


def test_sign_ups_of_strangers_lock_nobody_out(site: Site, owner: Client, post: Post) -> None:
    vics_business(site)
    for number in range(2):
        site.client().join("salon", VIC, f"{STRANGERS} {number}")
    assert site.client().log_in(VIC).status_code == 200


def test_link_of_a_change_of_address_confirms_the_account_that_waits_for_it(
    site: Site, owner: Client, post: Post
) -> None:
    """A stranger's account, which wants to change to the address, gets nothing by the link."""
    vics_business(site)
    post.deliver()
    assert owner.post("/me/email", {"email": VIC, "current_password": PASSWORD}).status_code == 204
    token, phone = post.token("confirm-email", VIC), site.client()
    assert phone.post("/confirm-email", {"token": token, "password": PASSWORD}).status_code == 200
    assert owned(phone) == ["vics-shop"]
    assert owner.get("/me").json()["user"]["email"] == "owner@salon.example"


def test_invitation_is_accepted_with_the_account_that_waits_for_the_address(
    site: Site, owner: Client, post: Post
) -> None:
    laptop = vics_business(site)
    assert owner.post("/businesses/salon/invitations", {"email": VIC, "role": "reader"}).status_code == 201
    accepted = {"token": post.token("invitation", VIC), "name": "Vic", "password": PASSWORD}
    phone = site.client()
    assert phone.post("/invitations/accept", accepted).status_code == 200
    assert owned(phone) == owned(laptop) == ["vics-shop"]
    assert {each["business"]["slug"] for each in phone.get("/me").json()["memberships"]} == {"salon", "vics-shop"}


def test_nothing_is_taken_over_while_another_user_is_signed_in(site: Site, owner: Client, post: Post) -> None:
    """The link may be a stranger's, who would then know the account in which the user goes on, and its password."""
    link = {"token": strangers_link(site, post), "password": PASSWORD + " of the owner"}
    refused = owner.post("/confirm-email", link)
    assert (refused.status_code, refused.json()["code"]) == (409, "signed_in_as_another")
    assert "sign out" in refused.json()["detail"]
    assert owner.get("/me").json()["user"]["email"] == "owner@salon.example"
    assert site.client().post("/confirm-email", link).status_code == 200, "the link is still valid"


def test_link_tries_a_limited_number_of_passwords(site: Site, owner: Client, post: Post) -> None:
    link = {"token": strangers_link(site, post), "password": PASSWORD + " of the owner"}
    assert [owner.post("/confirm-email", link).status_code for _ in range(11)] == [409] * 10 + [429]
