"""The behaviour that users of the shop rely on."""

from typing import Any

from flask.testing import FlaskClient

NOON = "2030-01-07T12:00:00+00:00"


def test_a_time_is_booked_once(client: FlaskClient, shop: str) -> None:
    assert book(client, shop, "Ada").status_code == 201
    assert book(client, shop, "Ben").status_code == 409
    assert [each["customer"] for each in listed(client, shop)] == ["Ada"]


def test_a_booking_is_invoiced_and_paid(client: FlaskClient, shop: str) -> None:
    number = book(client, shop, "Ada").json["appointment_id"]
    assert [(each["invoice"], each["amount_minor"]) for each in listed(client, shop)] == [("open", 2500)]
    assert client.post(f"/{shop}/appointments/{number}/pay").status_code == 200
    assert client.post(f"/{shop}/appointments/{number}/pay").status_code == 409
    assert [each["invoice"] for each in listed(client, shop)] == ["paid"]


def test_a_cancelled_booking_frees_its_time_and_voids_its_invoice(client: FlaskClient, shop: str) -> None:
    number = book(client, shop, "Ada").json["appointment_id"]
    assert client.post(f"/{shop}/appointments/{number}/cancel").status_code == 200
    assert client.post(f"/{shop}/appointments/{number}/cancel").status_code == 404
    assert book(client, shop, "Ben").status_code == 201
    assert {each["customer"]: each["invoice"] for each in listed(client, shop)} == {"Ada": "void", "Ben": "open"}


def test_a_shop_sees_only_its_own_bookings(client: FlaskClient, shop: str) -> None:
    book(client, shop, "Ada")
    assert listed(client, f"{shop}-other") == []


def book(client: FlaskClient, shop: str, customer: str) -> Any:
    wanted = {"service": "haircut", "customer": customer, "starts_at": NOON}
    return client.post(f"/{shop}/appointments", json=wanted)


def listed(client: FlaskClient, shop: str) -> list[dict[str, Any]]:
    return client.get(f"/{shop}/appointments").json
