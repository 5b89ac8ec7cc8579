"""The own account: devices, name, export, deletion."""

from tests.integration.auth.post import Post
from tests.site import PASSWORD, Client, Site

OWNER = "owner@salon.example"


def customer_of(site: Site) -> Client:
    client = site.client()
    assert client.join("salon", "cleo@example.org").status_code == 201
    return client


def test_sessions_are_listed_with_where_they_were_made_and_ended_one_by_one(site: Site, owner: Client) -> None:
    phone = site.client()
    phone.session.headers["User-Agent"] = "Phone\u00a0browser/1.0"
    phone.log_in(OWNER)
    listed = owner.get("/me/sessions").json()["sessions"]
    assert {(each["address"], each["current"]) for each in listed} == {("127.0.0.1", True), ("127.0.0.1", False)}
    [other] = [each for each in listed if not each["current"]]
    assert other["program"].startswith("Phone")
    assert other["began_at"] <= other["seen_at"] < other["expires_at"]
    assert owner.delete(f"/me/sessions/{other['session_id']}").status_code == 204
    assert (phone.get("/me").status_code, owner.get("/me").status_code) == (401, 200)
    assert owner.delete(f"/me/sessions/{other['session_id']}").status_code == 404


def test_session_of_another_user_is_not_found(site: Site, owner: Client) -> None:
    cleo = customer_of(site)
    [session] = cleo.get("/me/sessions").json()["sessions"]
    assert owner.delete(f"/me/sessions/{session['session_id']}").status_code == 404
    assert cleo.get("/me").status_code == 200


def test_all_other_sessions_are_ended_at_once(site: Site, owner: Client) -> None:
    others = [site.client() for _ in range(3)]
    for client in others:
        client.log_in(OWNER)
    assert owner.delete("/me/sessions").status_code == 204
    assert [client.get("/me").status_code for client in (owner, *others)] == [200, 401, 401, 401]


def test_name_is_changed(site: Site, owner: Client) -> None:
    assert owner.request("PATCH", "/me", json={"name": "Oona"}).status_code == 204
    assert owner.get("/me").json()["user"]["name"] == "Oona"


def test_language_is_chosen(site: Site, owner: Client) -> None:
    assert owner.get("/me").json()["user"]["language"] is None
    assert owner.request("PATCH", "/me", json={"language": "de"}).status_code == 204
    assert owner.get("/me").json()["user"] | {"user_id": ""} == {
        "user_id": "",
        "name": "Olive Owner",
        "email": OWNER,
        "email_confirmed": True,
        "language": "de",
    }
    assert owner.request("PATCH", "/me", json={"language": "fr"}).status_code == 400


def test_export_contains_what_is_stored_but_no_secret(site: Site, owner: Client) -> None:
    secret = owner.post("/businesses/salon/tokens", {"name": "till", "role": "staff"}).json()["secret"]
    answer = owner.get("/me/export")
    exported = answer.json()
    assert (exported["user"]["email"], exported["memberships"][0]["role"]) == (OWNER, "owner")
    assert ([token["name"] for token in exported["tokens"]], len(exported["sessions"])) == (["till"], 1)
    assert secret not in answer.text
    assert "argon2" not in answer.text


def test_deleted_account_is_gone_and_its_address_is_free(site: Site, owner: Client) -> None:
    cleo, phone = customer_of(site), site.client()
    site.confirm("cleo@example.org")
    phone.log_in("cleo@example.org")
    assert cleo.post("/me/delete", {"current_password": "guessed it"}).status_code == 403
    assert cleo.post("/me/delete", {"current_password": PASSWORD}).status_code == 204
    assert [client.get("/me").status_code for client in (cleo, phone)] == [401, 401]
    assert site.client().log_in("cleo@example.org").status_code == 401
    assert "cleo" not in str(site.sql("SELECT * FROM auth.account")).lower()
    assert site.client().join("salon", "cleo@example.org").status_code == 201
    site.confirm("cleo@example.org")


def test_deletion_ends_the_invitations_that_the_account_has_sent(site: Site, owner: Client, post: Post) -> None:
    def invite(email: str) -> str:
        assert owner.post("/businesses/salon/invitations", {"email": email, "role": "owner"}).status_code == 201
        return post.token("invitation", email)

    second, eve = site.client(), site.client()
    body = {"token": invite("second@salon.example"), "name": "Second", "password": PASSWORD}
    assert second.post("/invitations/accept", body).status_code == 200
    token = invite("eve@example.org")
    assert owner.post("/me/delete", {"current_password": PASSWORD}).status_code == 204
    assert eve.post("/invitations/accept", {"token": token, "name": "Eve", "password": PASSWORD}).status_code == 404
    assert second.get("/businesses/salon/invitations").json() == {"invitations": []}


def test_tokens_expire_and_are_revoked_all_at_once(site: Site, owner: Client) -> None:
    path = "/businesses/salon/tokens"
    made = [owner.post(path, {"name": f"t{n}", "role": "staff", "expires_in_days": 1}).json() for n in range(3)]
    programs = [Client(site.url, each["secret"]) for each in made]
    site.sql("UPDATE auth.api_token SET expires_at = now() WHERE token_id = %s", made[0]["token"]["token_id"])
    assert [program.get("/me").status_code for program in programs] == [401, 200, 200]
    assert len(owner.get(path).json()["tokens"]) == 2
    assert owner.delete(path).status_code == 204
    assert [program.get("/me").status_code for program in programs] == [401, 401, 401]
    for days in (0, 366):
        assert owner.post(path, {"name": "t", "role": "staff", "expires_in_days": days}).status_code == 400
