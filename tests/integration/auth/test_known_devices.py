"""Strangers cannot lock a person out of a device on which they have signed in before."""

import pytest

from tests.site import PASSWORD, Client, Site

OWNER = "owner@salon.example"


def guess(client: Client, email: str = OWNER) -> int:
    return client.log_in(email, "a wrong password").status_code


@pytest.mark.row("H36")
def test_known_device_signs_in_while_strangers_guess_the_password(site: Site, owner: Client) -> None:
    assert [guess(site.client()) for _ in range(11)] == [401] * 10 + [429]
    assert site.client().log_in(OWNER).status_code == 429, "a new device waits until the attack is over"
    owner.post("/logout")
    assert owner.log_in(OWNER).status_code == 200


def test_known_device_signs_in_while_its_network_address_is_throttled(site: Site, owner: Client) -> None:
    assert [guess(site.client(), f"user{n}@example.org") for n in range(52)][-1] == 429
    assert owner.log_in(OWNER).status_code == 200


def test_guesses_from_a_known_device_are_limited_too(site: Site, owner: Client) -> None:
    assert [guess(owner) for _ in range(11)] == [401] * 10 + [429]
    assert owner.log_in(OWNER).status_code == 429
    assert site.client().log_in(OWNER).status_code == 200, "on another device"


def test_devices_of_a_former_password_do_not_multiply_the_guesses(site: Site, owner: Client) -> None:
    former = [site.client() for _ in range(3)]
    assert {each.log_in(OWNER).status_code for each in former} == {200}
    change = {"current_password": PASSWORD, "new_password": "known to the owner only"}
    assert owner.post("/me/password", change).status_code == 204
    answers = [guess(each) for each in former for _ in range(10)]
    assert answers.count(401) == 10, "they share the limit of strangers"
    assert owner.log_in(OWNER, "known to the owner only").status_code == 200, "the device of the change is known"


@pytest.mark.row("H36")
def test_sign_up_with_the_address_makes_no_device_known(site: Site, owner: Client) -> None:
    stranger = site.client()
    assert stranger.join("salon", OWNER, "another password").status_code == 201
    assert [guess(stranger) for _ in range(11)] == [401] * 10 + [429]
    assert stranger.log_in(OWNER).status_code == 429, "not even with the right password"


def test_altered_cookie_is_no_known_device(site: Site, owner: Client) -> None:
    cookie, forger = owner.session.cookies["device"], site.client()
    forger.session.cookies.set("device", cookie[:-2] + ("AA" if cookie[-2:] != "AA" else "BB"))
    assert [guess(forger) for _ in range(11)] == [401] * 10 + [429]
    assert forger.log_in(OWNER).status_code == 429
    assert site.sql("SELECT count(*) FROM auth.throttle WHERE kind = 'password from device'") == [(0,)]
