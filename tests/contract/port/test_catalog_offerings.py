"""Every rule of an offering."""

from datetime import date
from typing import Any

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest
from tests.contract.port.samples import spoilt
from tests.contract.port.shop import Shop, refused

RULES: dict[str, Any] = {
    "duration_choices_minutes": (30, 90),
    "step_minutes": 15,
    "offset_minutes": 10,
    "cancel_cutoff_minutes": 120,
    "buffer_before_minutes": 5,
    "buffer_after_minutes": 10,
    "min_notice_minutes": 60,
    "window": m.BookingWindow(kind="fixed", first=date(2040, 1, 1), last=date(2040, 12, 31)),
    "limits": m.Limits(provider_day=5, customer_week=1),
    "capacity": 4,
    "assignment": "most_free",
    "needs": (m.ResourceNeed(kind="room"), m.ResourceNeed(kind="laser", quantity=2)),
    "requires_approval": True,
    "hold_minutes": 3,
    "policy": m.ChangePolicy(reschedule_cutoff_minutes=30, inside_cutoff="refuse", max_reschedules=2),
}


def listed(shop: Shop, offering: m.Offering) -> m.Offering:
    found = shop.port.list_offerings(shop.anonymous.reads(), m.ListOfferings()).offerings
    return next(each for each in found if each.offering_id == offering.offering_id)


def test_every_rule_has_an_example() -> None:
    assert set(RULES) == set(m.OfferingRules.__struct_fields__)


def test_an_offering_returns_all_its_rules(shop: Shop) -> None:
    created = shop.add_offering("Laser", duration_minutes=60, **RULES)
    assert {name: getattr(created, name) for name in RULES} == RULES
    assert listed(shop, created) == created


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_can_be_set_alone(shop: Shop, rule: str) -> None:
    created = shop.add_offering("Laser", duration_minutes=60, **{rule: RULES[rule]})
    plain = m.CreateOffering(name="Laser", duration_minutes=60, step_minutes=60)
    assert {name: getattr(created, name) for name in RULES} == {
        **{name: getattr(plain, name) for name in RULES},
        rule: RULES[rule],
    }
    assert listed(shop, created) == created


def test_an_update_replaces_all_the_rules(shop: Shop) -> None:
    created = shop.add_offering("Laser", duration_minutes=60, **RULES)
    request = m.UpdateOffering(offering_id=created.offering_id, name="Laser", duration_minutes=60)
    updated = shop.port.update_offering(shop.staff.writes(), request)
    plain = m.Offering(offering_id=created.offering_id, name="Laser", duration_minutes=60, step_minutes=60, active=True)
    assert updated == listed(shop, created) == plain
    assert shop.change_offering(updated, **RULES) == listed(shop, created) == created


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"capacity": 0}, "capacity"),
        ({"capacity": 1001}, "capacity"),
        ({"capacity": 2, "assignment": "collective"}, "capacity"),
        ({"assignment": "random"}, "assignment"),
        ({"duration_choices_minutes": (0,)}, "duration_choices_minutes[0]"),
        ({"duration_choices_minutes": tuple(range(1, 12))}, "duration_choices_minutes"),
        ({"offset_minutes": 1440}, "offset_minutes"),
        ({"buffer_before_minutes": -1}, "buffer_before_minutes"),
        ({"buffer_after_minutes": 721}, "buffer_after_minutes"),
        ({"min_notice_minutes": 365 * 1440 + 1}, "min_notice_minutes"),
        ({"needs": (m.ResourceNeed(kind="room"), m.ResourceNeed(kind="room", quantity=2))}, "needs"),
        ({"needs": (spoilt(m.ResourceNeed(kind="room"), kind="Room"),)}, "needs[0].kind"),
        ({"needs": (spoilt(m.ResourceNeed(kind="room"), quantity=11),)}, "needs[0].quantity"),
        ({"limits": spoilt(m.Limits(), provider_day=0)}, "limits.provider_day"),
        ({"policy": spoilt(m.ChangePolicy(), late_fee_percent=101)}, "policy.late_fee_percent"),
        ({"hold_minutes": 0}, "hold_minutes"),
        ({"hold_minutes": 121}, "hold_minutes"),
    ],
)
def test_invalid_rule_is_refused_by_name(shop: Shop, fields: dict[str, Any], named: str) -> None:
    request = m.CreateOffering(name="Laser", duration_minutes=60)
    with refused(InvalidRequest, field=named):
        shop.port.create_offering(shop.staff.writes(), spoilt(request, **fields))
    assert shop.port.list_offerings(shop.staff.reads(), m.ListOfferings()).offerings == (shop.offering,)
