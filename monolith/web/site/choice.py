"""A visitor's choice so far. It is in the address of each page, so that no page needs a session or a cookie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from werkzeug.datastructures import MultiDict

from contracts.scheduling import models as m
from monolith.shared.localization import N_
from monolith.web.catalog import Catalog, id_in
from monolith.web.language import gettext

MOST_IN_A_VISIT: Final = 8
COUNTS: Final = (2, 3, 4, 6, 8, 10, 12, 26, 52)
"""The lengths of a series that the page offers."""

REPEATS: Final[dict[str, tuple[Literal["day", "week", "month"], int, str]]] = {
    "day": ("day", 1, N_("every day")),
    "week": ("week", 1, N_("every week")),
    "fortnight": ("week", 2, N_("every two weeks")),
    "month": ("month", 1, N_("every month")),
}
"""Unit, interval and words by the value of the parameter `every`."""


@dataclass(frozen=True)
class Choice:
    """Services with their options. Several services are a visit; with `every`, one service is a series."""

    offerings: tuple[m.Offering, ...]
    providers: Sequence[m.Provider]
    """Those who perform all of the services."""
    provider: m.Provider | None = None
    """None: any provider."""
    minutes: int | None = None
    """None: the standard duration."""
    seats: int = 1
    every: str = ""
    count: int = 6
    only_provider_id: UUID | None = None
    """The provider of an appointment that is moved, who may no longer perform the service."""

    @property
    def offering(self) -> m.Offering:
        return self.offerings[0]

    @property
    def provider_id(self) -> UUID | None:
        return self.provider.provider_id if self.provider else self.only_provider_id

    @property
    def is_visit(self) -> bool:
        return len(self.offerings) > 1

    @property
    def can_be_held(self) -> bool:
        """Return whether scheduling can hold a time for it: a visit or a series is booked in one step."""
        return not self.is_visit and not self.every

    @property
    def duration(self) -> int:
        """Return the minutes of the service, or of all services of the visit without the buffers between them."""
        return self.minutes or sum(each.duration_minutes for each in self.offerings)

    @property
    def durations(self) -> list[int]:
        """Return the durations to choose from; empty if there is one only."""
        choices = self.offering.duration_choices_minutes
        return sorted({self.offering.duration_minutes, *choices}) if choices and not self.is_visit else []

    @property
    def most_seats(self) -> int:
        return 1 if self.is_visit else min(self.offering.capacity, 10)

    @property
    def name(self) -> str:
        return ", ".join(each.name for each in self.offerings)

    @property
    def requires_approval(self) -> bool:
        """Return whether nothing is booked until the business approves."""
        return all(each.requires_approval for each in self.offerings)

    @property
    def approved_later(self) -> list[str]:
        """Return the names of the services that are requests until the business approves them."""
        return [each.name for each in self.offerings if each.requires_approval]

    @property
    def repetition(self) -> str:
        """Return words like `every week, 6 times`; empty without a series."""
        if not self.every:
            return ""
        return gettext("%(every)s, %(count)d times", every=gettext(REPEATS[self.every][2]), count=self.count)

    @property
    def recurrence(self) -> dict[str, str | int]:
        """Return the fields of a `Recurrence`."""
        unit, interval, _ = REPEATS[self.every]
        return {"every": unit, "interval": interval, "count": self.count}

    def query(self, **changed: Any) -> dict[str, Any]:
        """Return the parameters of an address with this choice and some changes; None removes a parameter."""
        own = {
            "offering": [str(each.offering_id) for each in self.offerings],
            "provider": self.provider_id,
            "minutes": self.minutes,
            "seats": self.seats if self.seats > 1 else None,
            "every": self.every or None,
            "count": self.count if self.every else None,
        }
        return {name: value for name, value in (own | changed).items() if value is not None}

    def fields(self) -> list[tuple[str, str]]:
        """Return the same parameters as fields of a form."""
        return [
            (name, str(each))
            for name, value in self.query().items()
            for each in (value if isinstance(value, list) else [value])
        ]


def read_choice(catalog: Catalog, values: MultiDict[str, str]) -> Choice | None:
    """Return the choice in an address or a form; None without a service that can be booked.

    A business with a single service needs no choice of it. Options that do not exist are ignored.
    """
    offerings = _offerings(catalog, values)
    if not offerings:
        return None
    providers = catalog.providers_of(*offerings)
    provider_id = id_in(values, "provider")
    choice = Choice(
        offerings=offerings,
        providers=providers,
        provider=next((each for each in providers if each.provider_id == provider_id), None),
    )
    return choice if choice.is_visit else _with_options(choice, values)


def _offerings(catalog: Catalog, values: MultiDict[str, str]) -> tuple[m.Offering, ...]:
    active = {str(each.offering_id): each for each in catalog.active_offerings}
    named = values.getlist("offering")
    if not named and len(active) == 1:
        return tuple(active.values())
    chosen = [active[each] for each in named if each in active]
    return tuple(chosen[:MOST_IN_A_VISIT]) if len(chosen) == len(named) else ()


def _with_options(choice: Choice, values: MultiDict[str, str]) -> Choice:
    minutes, seats, count = (_number(values.get(name, "")) for name in ("minutes", "seats", "count"))
    every = values.get("every", "")
    return Choice(
        offerings=choice.offerings,
        providers=choice.providers,
        provider=choice.provider,
        minutes=minutes if minutes in choice.offering.duration_choices_minutes else None,
        seats=seats if seats is not None and 1 <= seats <= choice.offering.capacity else 1,
        every=every if every in REPEATS else "",
        count=count if count in COUNTS else 6,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None
