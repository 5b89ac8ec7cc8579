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


def test_joining_with_an_existing_account_requires_its_password(site: Site, owner: Client) -> None:
    assert site.client().join("salon", "cleo@example.org").status_code == 201
    assert site.client().join("salon", "cleo@example.org").status_code == 201
    answer = site.client().join("salon", "cleo@example.org", "somebody else's")
    assert (answer.status_code, answer.json()["code"]) == (409, "account_refused")
    assert len(site.auth.api.members(salon(site), "customer")) == 1


@pytest.mark.parametrize("missing", ["name", "email", "password"])
def test_joining_with_a_new_account_requires_all_fields(site: Site, owner: Client, missing: str) -> None:
    body = {"name": "Cleo", "email": "cleo@example.org", "password": PASSWORD}
    del body[missing]
    answer = site.client().post("/businesses/salon/customers", body)
    assert (answer.status_code, answer.json()["field"]) == (400, missing)


def test_owner_adds_staff_who_can_sign_in_and_change_their_password(site: Site, owner: Client) -> None:
    body = {"name": "Stef", "email": "stef@salon.example", "password": "first password"}
    answer = owner.post("/businesses/salon/staff", body)
    assert (answer.status_code, answer.json()["role"]) == (201, "staff")
    stef = site.client()
    assert stef.log_in("stef@salon.example", "first password").status_code == 200
    assert roles(stef) == {"salon": "staff"}


def test_existing_account_becomes_staff_and_keeps_its_password(site: Site, owner: Client) -> None:
    customer = site.client()
    customer.join("salon", "cleo@example.org")
    body = {"name": "Renamed", "email": "CLEO@example.org", "password": "overwritten?"}
    assert owner.post("/businesses/salon/staff", body).json()["role"] == "staff"
    assert roles(customer) == {"salon": "staff"}
    assert site.client().log_in("cleo@example.org").json()["name"] == "Cleo Customer"
    assert site.auth.api.members(salon(site), "customer") == []


def test_only_the_owner_can_add_staff(site: Site, owner: Client) -> None:
    body = {"name": "Eve", "email": "eve@example.org", "password": "long enough it is"}
    customer = site.client()
    customer.join("salon", "cleo@example.org")
    baker = site.client()
    baker.sign_up("bakery")
    answers = [client.post("/businesses/salon/staff", body).status_code for client in (customer, baker, site.client())]
    assert answers == [403, 403, 401]
    assert site.client().log_in("eve@example.org", "long enough it is").status_code == 401


def test_operator_rights_are_granted_to_an_existing_or_new_account(site: Site, owner: Client) -> None:
    made = site.auth.api.make_operator("Owner@salon.example")
    assert site.auth.api.make_operator("owner@salon.example") == made
    assert owner.get("/me").json()["is_operator"] is True
    site.auth.api.make_operator("ops@example.org", name="Ops", password="quite long enough")
    ops = site.client()
    assert ops.log_in("ops@example.org", "quite long enough").status_code == 200
    assert ops.get("/me").json()["is_operator"] is True
    with pytest.raises(ApiError, match=r"nobody@example\.org has no account"):
        site.auth.api.make_operator("nobody@example.org")


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
