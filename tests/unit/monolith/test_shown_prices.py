"""The prices of the booking site are read again after a moment, for each business on its own."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from monolith.modules.billing.model import Price, PriceList
from monolith.web.site.prices import ShownPrices

OFFERING = uuid4()


class Billing:
    """The prices of all businesses, and which businesses were asked for."""

    def __init__(self) -> None:
        self.amount = 2500
        self.asked: list[UUID] = []

    def prices(self, business_id: UUID) -> PriceList:
        self.asked.append(business_id)
        services = ((OFFERING, self.amount), (uuid4(), 0))
        now = datetime.now(UTC)
        return PriceList(
            prices=tuple(
                Price(offering_id=offering_id, amount_minor=amount, currency="EUR", valid_from=now)
                for offering_id, amount in services
            )
        )


def test_prices_of_each_business_are_read_once_while_they_are_recent() -> None:
    billing, one, other = Billing(), uuid4(), uuid4()
    shown = ShownPrices(billing.prices, seconds=3600)
    assert [shown.of(one), shown.of(other), shown.of(one)] == [{OFFERING: (2500, "EUR")}] * 3, "free ones are left out"
    assert billing.asked == [one, other]


def test_prices_are_read_again_when_they_are_old() -> None:
    billing, business_id = Billing(), uuid4()
    shown = ShownPrices(billing.prices, seconds=0)
    shown.of(business_id)
    billing.amount = 3000
    assert shown.of(business_id) == {OFFERING: (3000, "EUR")}
