"""After random bookings, cancellations and payments, the books balance and match a model."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_DOWN, Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from contracts.scheduling.events import AppointmentBooked, AppointmentRescheduled
from monolith.modules.billing.api import InvoicesQuery
from monolith.shared.database import new_id
from monolith.shared.endpoints import ApiError
from tests.hypothesis_profiles import SUPPRESSED, examples
from tests.integration.billing.billed_business import Books

# What happens, to which of the bookings so far, and an amount and a percentage where one is needed.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["price", "book", "book", "end", "end", "move", "pay", "pay", "repeat"]),
        st.integers(0, 20),
        st.sampled_from([0, 1, 999, 1_000, 4_999, 5_000, 1_000_000_000]),
        st.sampled_from([0, 1, 33, 50, 99, 100]),
    ),
    max_size=14,
)


@dataclass
class Expected:
    """One booking in the model."""

    booked: AppointmentBooked
    total: int
    fees: list[int] = field(default_factory=list)
    credited: int = 0
    paid: int = 0
    latest: AppointmentBooked | AppointmentRescheduled | None = None
    ended: bool = False


@examples(40, suppress_health_check=[*SUPPRESSED, HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_random_sequences_leave_the_books_balanced(books: Books, steps: list[tuple[str, int, int, int]]) -> None:
    shop = Books(books.database, books.api)
    price = 0
    model: list[Expected] = []
    for action, which, amount, percent in steps:
        if action == "price":
            price = amount
            shop.price(amount)
        elif action == "book":
            # The instant of booking comes from this machine's clock, the price's from the server's, which is the same.
            seats = 1 + which % 3
            model.append(Expected(shop.booked(seats=seats), price * seats))
            shop.tell(model[-1].booked)
        elif model:
            change(shop, model[which % len(model)], action, amount, percent)
    compare(shop, model)


def change(shop: Books, one: Expected, action: str, amount: int, percent: int) -> None:
    if action == "repeat":
        shop.tell(one.booked)
    elif action == "pay":
        pay(shop, one, amount)
    elif one.ended:
        return
    elif action == "move":
        one.latest = shop.rescheduled(one.latest or one.booked, fee_percent=percent)
        shop.tell(one.latest)
        one.fees += [fee(one.total, percent)] if fee(one.total, percent) else []
    else:
        end = shop.cancelled if amount % 2 else shop.no_show
        shop.tell(end(one.booked, fee_percent=percent))
        one.ended, one.credited = True, one.total - fee(one.total, percent)


def fee(total: int, percent: int) -> int:
    """Halves of a minor unit are rounded in the customer's favour."""
    exact = Decimal(total) * percent / 100
    return int(exact.to_integral_value(ROUND_HALF_DOWN))


def pay(shop: Books, one: Expected, amount: int) -> None:
    invoice = shop.invoice(one.booked)
    if invoice is None or amount == 0:
        return
    if amount <= one.total - one.credited - one.paid:
        shop.pay(invoice.number, amount)
        one.paid += amount
        return
    with pytest.raises(ApiError) as caught:
        shop.pay(invoice.number, amount)
    assert caught.value.status == 409


def compare(shop: Books, model: list[Expected]) -> None:
    charged = [one for one in model if one.total]
    assert shop.numbers() == list(range(1, len(charged) + sum(len(one.fees) for one in charged) + 1))
    for one in charged:
        invoice = shop.invoice(one.booked)
        assert invoice is not None
        assert shop.fees(one.booked) == one.fees
        balance = one.total - one.credited - one.paid
        assert (invoice.total_minor, invoice.credited_minor, invoice.paid_minor) == (one.total, one.credited, one.paid)
        assert (invoice.due_minor, invoice.refund_due_minor) == (max(balance, 0), max(-balance, 0))
        assert sum(line.amount_minor for line in invoice.lines) == invoice.total_minor
        assert sum(payment.amount_minor for payment in invoice.payments) == invoice.paid_minor
    balances = shop.api.trial_balance(shop.business_id)
    assert [each.difference_minor for each in balances] == [0] * bool(charged)
    assert sum(each.cash_minor for each in balances) == sum(one.paid for one in charged)
    assert sum(each.revenue_minor for each in balances) == sum(
        one.total - one.credited + sum(one.fees) for one in charged
    )


def test_currencies_are_balanced_separately(books: Books) -> None:
    for currency in ("CHF", "EUR"):
        books.price(1_000, currency)
        books.tell(books.booked())
    assert [(each.currency, each.receivable_minor) for each in books.api.trial_balance(books.business_id)] == [
        ("CHF", 1_000),
        ("EUR", 1_000),
    ]


def test_business_without_invoices_has_no_balance(books: Books) -> None:
    assert books.api.trial_balance(new_id()) == []
    assert books.api.invoices(new_id(), InvoicesQuery()).invoices == ()
