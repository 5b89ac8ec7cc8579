"""The back office without JavaScript: a receptionist's day on both adapters, and a business that is set up by forms."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from monolith.cutover.scheduling_flag import AdapterName
from tests.e2e.browser import Browser, Page
from tests.e2e.shared_demo import Product
from tests.e2e.shop import Customer, Shop, answered, furnished_shop
from tests.polling import eventually
from tests.site import PASSWORD, Client


def signed_in(product: Product, shop: Shop) -> Browser:
    """Return a browser that has signed in on the page to which the office sends a stranger."""
    browser = Browser(product.installation.url)
    page = browser.open(f"/office/{shop.slug}/requests")
    assert page.path == "/sign-in"
    page = browser.submit("Sign in", email=f"owner@{shop.slug}.example", password=PASSWORD)
    assert page.path == f"/office/{shop.slug}/requests"
    return browser


def book(browser: Browser, shop: Shop, day: date, clock: str, name: str, **typed: str) -> Page:
    browser.open(f"/office/{shop.slug}/new?provider={shop.provider_id}&date={day}&time={clock}")
    return browser.submit("Book", name=name, **typed)


@pytest.mark.parametrize("adapter", ["in_process", "http"])
def test_receptionist_books_moves_overbooks_and_cancels(product: Product, adapter: AdapterName) -> None:
    shop, day = product.shops[adapter], product.own_day()
    office, name = signed_in(product, shop), f"Wanda {uuid4().hex[:6]}"
    calendar = office.open(f"/office/{shop.slug}/day?date={day}")
    free = [link.address for link in calendar.links if "/new?" in link.address and "at=" in link.address]
    office.open(free[20])
    booked = office.submit("Book", name=name, phone="+351 21 000 00 00")
    assert "Booked." in booked.text
    assert f"Customer {name}" in booked.text
    first = booked.path

    office.follow("Move")
    office.follow("15:00")
    chosen = office.page.text
    assert "Now" in chosen
    assert "New" in chosen
    moved = office.submit("Move the appointment")
    assert "Moved. Undo" in moved.text
    assert f"{day:%a} {day.day} {day:%b} {day.year}, 15:00" in moved.text

    again = book(office, shop, day, "15:00", f"Gus {uuid4().hex[:6]}")
    assert again.status == 409
    assert "Although the time is taken" in again.text
    assert "Please enter a reason" in office.submit("Book", overbook="on").text
    second = office.submit("Book", overbook="on", reason="A regular customer")
    assert "Overbooked" in second.text
    assert "because “A regular customer”" in second.text
    listed = office.open(f"/office/{shop.slug}/day?date={day}&view=list").text
    assert name in listed

    office.open(first)
    office.follow("Cancel")
    cancelled = office.submit("Cancel the appointment", reason="Ill")
    assert "Cancelled." in cancelled.text
    assert "Ill" in cancelled.text
    assert name not in office.open(f"/office/{shop.slug}/day?date={day}&view=list").text


def test_a_name_of_two_customers_is_asked_for(product: Product) -> None:
    shop, day = product.shops["in_process"], product.own_day()
    office, name = signed_in(product, shop), f"Twin {uuid4().hex[:6]}"
    assert "Booked." in book(office, shop, day, "10:00", name).text
    asked = book(office, shop, day, "11:00", name)
    assert f"Which {name} is it?" in asked.text
    assert "Booked." in office.submit("Book").text
    found = office.open(f"/office/{shop.slug}/customers?search={name.split()[1]}")
    assert found.text.count(name) == 1, "the same customer"
    office.follow(name)
    assert office.page.text.count("Booked") == 2
    saved = office.submit("Save", note="Prefers mornings")
    assert "Saved." in saved.text
    assert "Prefers mornings" in saved.source


def own_shop(product: Product) -> Shop:
    """Return a shop of its own, for a test that changes services, time off or settings."""
    return furnished_shop(product.installation.url, f"own-{uuid4().hex[:8]}", "in_process")


def test_requests_invoices_and_rules_are_managed(product: Product) -> None:
    shop, day = own_shop(product), product.own_day()
    office, customer = signed_in(product, shop), Customer(product.installation, shop)
    service = f"Advice {uuid4().hex[:6]}"
    office.open(f"/office/{shop.slug}/services/new")
    assert "Added." in office.submit("Add the service", name=service, price="30.50", requires_approval="on").text
    office.open(f"/office/{shop.slug}/services/new")
    refused = office.submit("Add the service", name=f"{service} 2", duration_minutes="0")
    assert refused.status == 400
    assert "“Duration” must be at least 1." in refused.text

    offerings = answered(customer.client.get(f"/businesses/{shop.slug}/offerings"))["offerings"]
    (offering,) = (each["offering_id"] for each in offerings if each["name"] == service)
    wanted = {"offering_id": offering, "provider_id": shop.provider_id, "starts_at": f"{day}T12:00:00Z"}
    path, key = f"/businesses/{shop.slug}/appointments", {"Idempotency-Key": uuid4().hex}
    pending = answered(customer.client.post(path, wanted, headers=key))["appointment_id"]
    assert service in office.open(f"/office/{shop.slug}/requests").text
    office.open(f"/office/{shop.slug}/appointments/{pending}")
    assert "Approved." in office.submit("Approve").text

    def invoiced() -> bool:
        return "No. " in office.open(f"/office/{shop.slug}/appointments/{pending}").text

    eventually(invoiced)
    eventually(lambda: "Waits until the address is confirmed" in office.open(f"/office/{shop.slug}/mails").text)
    assert "Request received" in office.page.text
    office.open(f"/office/{shop.slug}/appointments/{pending}")
    office.follow("No. ")
    assert "30.50 EUR" in office.page.text
    data = f"/businesses/{shop.slug}/customers/{answered(customer.client.get('/me'))['user']['user_id']}/data"
    exported = answered(customer.client.get(data))
    assert [each["appointment_id"] for each in exported["appointments"]] == [pending]
    assert [each["total_minor"] for each in exported["invoices"]] == [3050]
    assert Customer(product.installation, shop).client.get(data).status_code == 403, "another customer"

    paid = office.submit("Record the payment", amount="30,50", note="cash")
    assert "Payment recorded." in paid.text
    assert "Due 0.00 EUR" in paid.text


def test_time_off_and_holidays_are_managed_and_an_hour_is_booked(product: Product) -> None:
    shop = own_shop(product)
    office = signed_in(product, shop)
    office.open(f"/office/{shop.slug}/services/{shop.offering_id}")
    assert "Saved." in office.submit("Save", duration_choices_minutes="60").text
    office.open(f"/office/{shop.slug}/new?date={product.own_day()}&time=15:00")
    assert "15:00 to 16:00" in office.submit("Book", name="Gus", minutes="60").text
    office.open(f"/office/{shop.slug}/time-off")
    far = datetime.now(UTC).date() + timedelta(days=115)
    assert "Added." in office.submit("Block this time", first=str(far), reason="Inventory").text
    assert "Inventory" in office.page.text
    hours = {"first": str(far), "from": "11:00", "until": "13:00", "reason": "Dentist"}
    assert ", 11:00 to 13:00: Dentist" in office.submit("Block this time", **hours).text
    holiday = office.submit("Add a holiday", date=f"{far.year + 1}-12-25", name="Christmas Day")
    assert "Christmas Day" in holiday.text
    calendar = office.open(f"/office/{shop.slug}/day?date={far.year + 1}-12-25")
    assert "Holiday: Christmas Day" in calendar.text


def test_a_business_is_set_up_by_forms_and_can_be_closed(product: Product) -> None:
    slug = f"new-{uuid4().hex[:8]}"
    owner = Client(product.installation.url)
    answered(owner.sign_up(slug))
    office = Browser(product.installation.url)
    office.open("/sign-in")
    assert office.submit("Sign in", email=f"owner@{slug}.example", password=PASSWORD).path == f"/office/{slug}/start"
    office.follow("Add a service")
    office.submit("Add the service", name="Haircut", price="25")
    office.open(f"/office/{slug}/providers")
    office.submit("Add", name="Ada")
    refused = office.submit("Save hours", day_1="nine to five").text
    assert ("Please enter hours like" in refused, "Customers cannot book yet" in refused) == (True, True)
    weekend = {f"day_{weekday}": "9-12:30, 13:00-17:00" for weekday in (6, 7)}
    saved = office.submit("Save hours", day_1="", workdays="9-12:30, 13:00-17:00", **weekend)
    assert ("Saved." in saved.text, "Customers cannot book yet" in saved.text) == (True, False)
    assert saved.source.count("09:00-12:30, 13:00-17:00") == 7
    assert f"{product.installation.url}/b/{slug}" in office.open(f"/office/{slug}/start").text
    assert office.open(f"/office/{slug}").path == f"/office/{slug}/day"
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    office.open(f"/office/{slug}/day?date={tomorrow}")
    assert not [link for link in office.page.links if "12:30" in link.words], "a break"
    office.follow("12:00")
    assert office.submit("Book", name="Gus", time="12:15").status == 409, "it would last into the break"
    assert "Booked." in office.submit("Book", time="12:00").text

    office.open(f"/office/{slug}/settings")
    own = next(form for form in office.page.forms if "phone" in form.fields)
    assert "Saved." in office.send(own, name="Ada's", phone="0123").text
    office.send(next(form for form in office.page.forms if form.action.endswith("/notices")), requests="on")
    assert answered(owner.get(f"/businesses/{slug}/business-notices"))["requests"] is True
    assert "takes no new bookings" in office.submit("Close the business").text

    def is_refused() -> bool:
        office.open(f"/office/{slug}/new?date={tomorrow}&time=14:00")
        return "takes no new bookings" in office.submit("Book", name="Gus").text

    eventually(is_refused)
    office.open(f"/office/{slug}/settings")
    assert "takes new bookings again" in office.submit("Reopen").text


def test_only_staff_may_enter(product: Product) -> None:
    shop, other = product.shops["in_process"], product.shops["http"]
    visitor = Browser(product.installation.url)
    customer = Customer(product.installation, shop)
    visitor.session.cookies.update(customer.client.session.cookies)
    page = visitor.open(f"/office/{shop.slug}/customers")
    assert (page.status, "Only its staff may open it" in page.text) == (403, True)
    owner = signed_in(product, shop)
    assert owner.open(f"/office/{other.slug}/day").status == 403
    assert owner.open("/office/nobody/day").status == 404


@pytest.mark.parametrize("adapter", ["http", pytest.param("in_process", marks=pytest.mark.long)])
def test_series_visits_and_the_waitlist_are_managed(product: Product, adapter: AdapterName) -> None:
    shop, day = product.shops[adapter], product.own_day()
    office, name = signed_in(product, shop), f"Selma {uuid4().hex[:6]}"
    office.open(f"/office/{shop.slug}/new?provider={shop.provider_id}&date={day}&time=09:00")
    series = office.submit("Book", name=name, repeat="week", count="3")
    assert f"Series of {name}" in series.text
    assert series.text.count("Booked") == 4, "the message and three appointments"
    refused = book(office, shop, day, "09:00", f"Rita {uuid4().hex[:6]}", repeat="week", count="2")
    assert refused.status == 409
    assert f"{day:%a} {day.day} {day:%b} {day.year}, 09:00: " in refused.text, "which one is taken"
    office.open(series.path)
    office.submit("Move them", date=str(day), time="10:30")
    assert office.page.text.count(", 10:30") >= 3
    cancelled = office.submit("Cancel them", reason="Moved away")
    assert cancelled.text.count("Cancelled") == 4

    visit = book(office, shop, day, "13:00", f"Vera {uuid4().hex[:6]}", then=shop.offering_id)
    assert "13:00 to 13:30" in visit.text
    assert "13:30 to 14:00" in visit.text
    office.follow("13:30 to 14:00")
    office.follow("The whole visit")
    assert office.submit("Cancel the whole visit").text.count("Cancelled") == 3

    office.open(f"/office/{shop.slug}/new?provider={shop.provider_id}&date={day}&time=16:00")
    taken = office.submit("Book", name=name).path
    office.open(f"/office/{shop.slug}/waitlist")
    waiting = f"Wim {uuid4().hex[:6]}"
    free = office.submit("Add to the waitlist", name=waiting, first=str(day))
    assert "A time is free" in free.text
    assert f"{waiting} Massage" in free.text
    office.follow("Offered a time", after=waiting)
    assert "cannot be extended further" in office.submit("Hold longer").text, "the offer lasts longer already"
    assert "Confirmed." in office.submit("Book for the customer").text
    assert waiting not in office.open(f"/office/{shop.slug}/waitlist").text
    assert f"Which {waiting} is it?" in office.submit("Add to the waitlist", name=waiting, first=str(day)).text
    office.submit("Add to the waitlist")
    place = office.page.place(waiting)
    office.send(next(form for form in office.page.forms if "Remove" in form.buttons and form.at > place))
    assert waiting not in office.page.text
    assert taken


@pytest.mark.parametrize("adapter", ["http", pytest.param("in_process", marks=pytest.mark.long)])
def test_reader_sees_everything_and_changes_nothing(product: Product, adapter: AdapterName) -> None:
    shop, day = product.shops[adapter], product.own_day()
    customer, reader = Customer(product.installation, shop), Customer(product.installation, shop)
    slots = answered(customer.slots_on(day))["slots"]
    booked = answered(customer.book(slots[0]["starts_at"]))["appointment_id"]
    reader_id = answered(reader.client.get("/me"))["user"]["user_id"]
    promote = "UPDATE auth.membership SET role = 'reader' WHERE business_id = %s AND user_id = %s RETURNING 1"
    assert product.installation.sql("in_process", promote, shop.business_id, reader_id)

    office = Browser(product.installation.url)
    office.open(f"/office/{shop.slug}/day?date={day}&view=list")
    seen = office.submit("Sign in", email=reader.email, password=PASSWORD)
    assert "Cleo Customer" in seen.text
    assert "your role is that of a reader" in seen.text
    appointment = office.open(f"/office/{shop.slug}/appointments/{booked}")
    own = {"/sign-out", "/language"}
    assert {form.action for form in appointment.forms if form.method == "post"} == own
    for page in ("services", "providers", f"providers/{shop.provider_id}", "time-off", "resources"):
        assert '<fieldset class="plain" disabled>' in office.open(f"/office/{shop.slug}/{page}").source, page
    for page in (f"day?date={day}", "week", "requests", "customers", "waitlist"):
        shown = office.open(f"/office/{shop.slug}/{page}")
        assert {form.action for form in shown.forms if form.method == "post"} == own, page
        assert [link.address for link in shown.links if "/new" in link.address] == [], page
        assert "data-move" not in shown.source, page
    for page in ("new", "services/new", f"appointments/{booked}/cancel", f"appointments/{booked}/move"):
        refused = office.open(f"/office/{shop.slug}/{page}")
        assert (refused.status, "change nothing" in refused.text) == (403, True), page
    posted = office.session.post(f"{product.installation.url}/office/{shop.slug}/waitlist", timeout=30)
    assert (posted.status_code, "change nothing" in posted.text) == (403, True)

    api = f"/businesses/{shop.slug}"
    listed = answered(reader.client.get(f"{api}/appointments", params={"start": f"{day}T00:00:00Z"}))["appointments"]
    assert booked in {each["appointment_id"] for each in listed}
    assert reader.client.get(f"{api}/customers").status_code == 200
    assert reader.client.post(f"{api}/guests", {"name": "Guest"}, headers={"Idempotency-Key": "a"}).status_code == 403
    assert reader.cancel(booked).status_code == 404, "as a customer, who has no such appointment"
    own = answered(reader.book(slots[1]["starts_at"]))
    assert own["customer_id"] == reader_id
    assert answered(reader.cancel(own["appointment_id"]))["status"] == "cancelled"
