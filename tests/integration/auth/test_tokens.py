"""API tokens of businesses."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from tests.site import Client, Site


def make(owner: Client, name: str = "till", role: str = "staff") -> dict[str, object]:
    answer = owner.post("/businesses/salon/tokens", {"name": name, "role": role})
    assert answer.status_code == 201
    made: dict[str, object] = answer.json()
    return made


def test_token_has_its_role_in_its_business(site: Site, owner: Client) -> None:
    made = make(owner)
    secret = str(made["secret"])
    assert secret.startswith("bk_")
    program = Client(site.url, secret)
    me = program.get("/me").json()
    assert (me["kind"], me["user"]) == ("token", None)
    assert [(m["business"]["slug"], m["role"]) for m in me["memberships"]] == [("salon", "staff")]
    assert program.get("/businesses/salon/tokens").status_code == 403


def test_token_has_no_access_to_another_business(site: Site, owner: Client) -> None:
    program = Client(site.url, str(make(owner, role="owner")["secret"]))
    assert site.client().sign_up("bakery").status_code == 201
    assert program.get("/businesses/salon/tokens").status_code == 200
    assert program.get("/businesses/bakery/tokens").status_code == 403


def test_token_list_contains_no_secrets(site: Site, owner: Client) -> None:
    made = make(owner)
    Client(site.url, str(made["secret"])).get("/me")
    [listed] = owner.get("/businesses/salon/tokens").json()["tokens"]
    assert set(listed) == {
        "token_id", "name", "role", "created_at", "used_at", "expires_at", "created_by", "address"
    }  # fmt: skip
    assert listed["address"] == "127.0.0.1"
    assert listed["used_at"] is not None
    assert str(made["secret"]) not in str(site.sql("SELECT * FROM auth.api_token"))


def test_revoked_token_is_rejected_immediately(site: Site, owner: Client) -> None:
    made = make(owner)
    token = made["token"]
    assert isinstance(token, dict)
    program = Client(site.url, str(made["secret"]))
    assert program.get("/me").status_code == 200
    assert owner.delete(f"/businesses/salon/tokens/{token['token_id']}").status_code == 204
    assert program.get("/me").status_code == 401
    assert program.get("/businesses/salon").status_code == 401
    assert owner.get("/businesses/salon/tokens").json() == {"tokens": []}
    assert owner.delete(f"/businesses/salon/tokens/{token['token_id']}").status_code == 404


def test_token_of_another_business_is_not_found(site: Site, owner: Client) -> None:
    token = make(owner)["token"]
    assert isinstance(token, dict)
    baker = site.client()
    baker.sign_up("bakery")
    for token_id in (token["token_id"], uuid4(), "no-id"):
        answer = baker.delete(f"/businesses/bakery/tokens/{token_id}")
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such token.")
    assert len(owner.get("/businesses/salon/tokens").json()["tokens"]) == 1


def test_token_cannot_create_credentials_that_outlive_it(site: Site, owner: Client) -> None:
    program = Client(site.url, str(make(owner, role="owner")["secret"]))
    answers = [
        program.post("/businesses/salon/tokens", {"name": "next", "role": "owner"}),
        program.post("/businesses/salon/invitations", {"email": "eve@example.org"}),
        program.post("/businesses/salon/customers", {}),
        program.post("/me/password", {"current_password": "x", "new_password": "long enough it is"}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4


def test_only_the_owner_can_manage_tokens(site: Site, owner: Client) -> None:
    customer = site.client()
    customer.join("salon", "cleo@example.org")
    for client, status in ((customer, 403), (site.client(), 401)):
        assert client.get("/businesses/salon/tokens").status_code == status
        assert client.post("/businesses/salon/tokens", {"name": "till", "role": "staff"}).status_code == status


def test_concurrent_creation_respects_the_limit_of_fifty_tokens(site: Site, owner: Client) -> None:
    for number in range(48):
        make(owner, f"till {number}")
    secret = owner.session.cookies["session"]

    def another(number: int) -> int:
        client = site.client()
        client.session.cookies.set("session", secret)
        return client.post("/businesses/salon/tokens", {"name": f"more {number}", "role": "staff"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(another, range(4))) == [201, 201, 409, 409]


def test_invalid_token_is_rejected_on_public_endpoints_too(site: Site, owner: Client) -> None:
    for header in ("Bearer bk_unknown", "Bearer ", "Bearer bk_" + "x" * 43, "Basic b3duZXI6cGFzcw==", "Bearer"):
        answer = site.client().get("/businesses/salon", headers={"Authorization": header})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), header


def test_invalid_token_role_is_named(owner: Client) -> None:
    answer = owner.post("/businesses/salon/tokens", {"name": "till", "role": "customer"})
    assert (answer.status_code, answer.json()["field"]) == (400, "role")
