"""Customers, staff and operators, and their memberships."""

from uuid import UUID, uuid4

import pytest

from monolith.shared.endpoints import ApiError
from tests.site import PASSWORD, Client, Site


def roles(client: Client) -> dict[str, str]:
    return {m["business"]["slug"]: m["role"] for m in client.get("/me").json()["memberships"]}


def salon(site: Site) -> UUID:
    business = site.auth.api.business_by_slug("salon")
    assert business is not None
    return business.business_id


def test_customer_sign_up_starts_a_session(site: Site, owner: Client) -> None:
    customer = site.client()
    answer = customer.join("salon", "Cleo@Example.org")
    assert not customer.get("/me").json()["user"]["email_confirmed"]
    assert (answer.status_code, answer.json()["role"]) == (201, "customer")
    assert roles(customer) == {"salon": "customer"}
    [member] = site.auth.api.members(salon(site), "customer")
    assert (member.name, member.email) == ("Cleo Customer", "cleo@example.org")


def test_signed_in_user_joins_another_business(site: Site, owner: Client) -> None:
    site.client().sign_up("bakery")
    assert owner.post("/businesses/bakery/customers", {}).json()["role"] == "customer"
    assert owner.post("/businesses/bakery/customers", {}).status_code == 201
    assert roles(owner) == {"bakery": "customer", "salon": "owner"}


def test_signed_in_user_cannot_join_with_other_credentials(site: Site, owner: Client) -> None:
    assert owner.join("salon", "cleo@example.org").status_code == 400


def test_joining_does_not_lower_a_role(site: Site, owner: Client) -> None:
    assert owner.post("/businesses/salon/customers", {}).json()["role"] == "owner"


def test_joining_again_with_the_same_password_uses_the_same_account(site: Site, owner: Client) -> None:
    joined = [site.client().join("salon", "cleo@example.org").json()["user_id"] for _ in range(2)]
    site.confirm("cleo@example.org")
    joined.append(site.client().join("salon", "cleo@example.org").json()["user_id"])
    assert len(set(joined)) == 1
    assert len(site.auth.api.members(salon(site), "customer")) == 1


@pytest.mark.parametrize("missing", ["name", "email", "password"])
def test_joining_with_a_new_account_requires_all_fields(site: Site, owner: Client, missing: str) -> None:
    body = {"name": "Cleo", "email": "cleo@example.org", "password": PASSWORD}
    del body[missing]
    answer = site.client().post("/businesses/salon/customers", body)
    assert (answer.status_code, answer.json()["field"]) == (400, missing)


def test_operator_rights_are_granted_to_an_existing_or_new_account(site: Site, owner: Client) -> None:
    made = site.auth.api.grant_operator_role("Owner@salon.example", "operator")
    assert site.auth.api.grant_operator_role("owner@salon.example", "operator") == made
    assert owner.get("/me").json()["is_operator"] is True
    site.auth.api.grant_operator_role("ops@example.org", "operator", name="Ops", password="quite long enough")
    ops = site.client()
    assert ops.log_in("ops@example.org", "quite long enough").status_code == 200
    assert ops.get("/me").json()["is_operator"] is True
    with pytest.raises(ApiError, match=r"nobody@example\.org has no account"):
        site.auth.api.grant_operator_role("nobody@example.org", "operator")


def test_other_modules_look_up_users_and_members(site: Site, owner: Client) -> None:
    auth = site.auth.api
    business = auth.business(salon(site))
    assert business is not None
    assert business == auth.business_by_slug("salon")
    assert auth.businesses() == [business]
    [user] = auth.members(business.business_id, "owner")
    assert auth.user(user.user_id) == user
    assert auth.user(uuid4()) is None
    assert auth.business(uuid4()) is None
    assert auth.business_by_slug("bakery") is None
