"""Busy times of another calendar block a provider, on both adapters; those of the next months are read."""

from datetime import date

import pytest

from monolith.cutover.scheduling_flag import AdapterName
from tests.e2e.browser import Browser, Form, Page
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, answered
from tests.http_receiver import Reply, http_receiver
from tests.polling import eventually
from tests.site import PASSWORD, Client


def calendar(day: date, hour: int) -> bytes:
    lines = [
        *(
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//test//EN",
            "BEGIN:VEVENT",
            "UID:one",
            "DTSTAMP:20300101T000000Z",
        ),
        *(
            f"DTSTART:{day:%Y%m%d}T{hour:02d}0000Z",
            "DURATION:PT1H",
            "SUMMARY:Dentist",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ),
    ]
    return "\r\n".join(lines).encode()


def removals(page: Page) -> list[Form]:
    return [form for form in page.forms if "Remove" in form.buttons]


@pytest.mark.parametrize("adapter", ["http", pytest.param("in_process", marks=pytest.mark.long)])
def test_times_of_another_calendar_cannot_be_booked(product: Product, adapter: AdapterName) -> None:
    shop, day = product.shops[adapter], product.own_day(near=True)
    customer, office = Customer(product.installation, shop), Browser(product.installation.url)
    calendars = f"/office/{shop.slug}/providers/{shop.provider_id}/calendars"
    office.open(calendars)
    office.submit("Sign in", email=f"owner@{shop.slug}.example", password=PASSWORD)

    existing = {form.action for form in removals(office.page)}

    def is_free(hour: int) -> bool:
        starts = {slot["starts_at"] for slot in answered(customer.slots_on(day))["slots"]}
        return f"{day}T{hour:02d}:00:00Z" in starts

    def an_hour_passes() -> None:
        update = "UPDATE calendars.busy_import SET next_run_at = now() WHERE provider_id = %s RETURNING 1"
        assert product.installation.sql("in_process", update, shop.provider_id)

    with http_receiver(lambda _: Reply(body=calendar(day, 10))) as receiver:
        assert is_free(10)
        office.submit("Import", name="Private", url=f"{receiver.url}/secret.ics")
        assert "Private, 127.0.0.1" in office.page.text
        assert "secret.ics" not in office.page.source
        eventually(lambda: not is_free(10), "the blocked time", seconds=30)
        assert is_free(11)
        refused = customer.book(f"{day}T10:00:00Z")
        assert (refused.status_code, refused.json()["reason"]) == (409, "closed")

        receiver.reply = lambda _: Reply(body=calendar(day, 14))
        an_hour_passes()
        eventually(lambda: is_free(10) and not is_free(14), "the new time", seconds=30)

        receiver.reply = lambda _: Reply(status=404)
        an_hour_passes()
        eventually(lambda: "status 404" in office.open(calendars).text, "the reason", seconds=30)
        assert not is_free(14), "what was read before stays"

        # Other tests import into the same calendar.
        [mine] = [form for form in removals(office.page) if form.action not in existing]
        office.press(mine, "Remove")
        eventually(lambda: is_free(14), "the released time", seconds=30)


def test_file_blocks_times_and_other_networks_are_refused(product: Product) -> None:
    shop, day = product.shops["in_process"], product.own_day(near=True)
    owner = Client(product.installation.url)
    answered(owner.log_in(f"owner@{shop.slug}.example"))
    imports, provider = f"/businesses/{shop.slug}/calendar-imports", {"provider_id": shop.provider_id}
    content = calendar(day, 9).decode()
    from_file = answered(owner.post(imports, {**provider, "name": "Course", "content": content}))
    inside = answered(owner.post(imports, {**provider, "url": "http://169.254.169.254/latest/meta-data"}))
    for wrong in ({"url": "file:///etc/passwd"}, {"url": "https://a.example", "content": content}, {}):
        assert owner.post(imports, {**provider, **wrong}).status_code == 400

    def listed() -> dict[str, dict[str, object]]:
        return {each["import_id"]: each for each in answered(owner.get(imports))["imports"]}

    eventually(lambda: listed()[inside["import_id"]]["problem"] is not None, "the refusal", seconds=30)
    assert listed()[inside["import_id"]]["problem"] == "The host does not have a public address."
    eventually(lambda: listed()[from_file["import_id"]]["busy_times"] == 1, "the blocked time", seconds=30)
    block = {"start": f"{day}T00:00:00Z", "end": f"{day}T23:59:00Z"}
    blocks = answered(owner.get(f"/businesses/{shop.slug}/blocks", params=block))["blocks"]
    assert [each["reason"] for each in blocks] == ["Course"]
    for each in (from_file, inside):
        assert owner.delete(f"{imports}/{each['import_id']}").status_code == 204
    eventually(lambda: listed() == {}, "no imports")


def test_api_token_causes_nothing_that_outlives_its_revocation(product: Product) -> None:
    shop = product.shops["in_process"]
    owner = Client(product.installation.url)
    answered(owner.log_in(f"owner@{shop.slug}.example"))
    business = f"/businesses/{shop.slug}"
    made = answered(owner.post(f"{business}/tokens", {"name": "program", "role": "owner"}))
    program = Client(product.installation.url, made["secret"])
    wanted = {"provider_id": shop.provider_id, "url": "https://example.org/private.ics"}
    answers = [
        program.post(f"{business}/calendar-imports", wanted),
        program.request("PUT", f"{business}/business-notices", json={}),
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
