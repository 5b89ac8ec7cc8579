"""A business's catalog, compiled for answering fast, and cached under the version at which it was read."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling.errors import OfferingNotFound, ProviderNotFound
from contracts.scheduling.models import Offering
from scheduling_service.engine.hours import instant_of

Range = tuple[int, int]
"""Half-open, in seconds since 1970."""

_DAYS_REMEMBERED = 400


@dataclass(eq=False)
class ProviderRules:
    """One provider. `week[0]` is Monday; its ranges are minutes after midnight, ascending, disjoint."""

    provider_id: UUID
    name: str
    zone: ZoneInfo
    active: bool
    offering_ids: frozenset[UUID]
    week: tuple[tuple[Range, ...], ...]
    _working: dict[date, tuple[Range, ...]] = field(default_factory=dict)

    def working(self, day: date) -> tuple[Range, ...]:
        """The working ranges of one local date, as instants; those that a change of clocks empties are left out."""
        known = self._working.get(day)
        if known is None:
            if len(self._working) >= _DAYS_REMEMBERED:
                self._working.clear()
            known = self._working[day] = tuple(self._instants(day))
        return known

    def _instants(self, day: date) -> list[Range]:
        ranges = [
            (instant_of(day, opens, self.zone), instant_of(day, closes, self.zone))
            for opens, closes in self.week[day.weekday()]
        ]
        return [(opens, closes) for opens, closes in ranges if opens < closes]


@dataclass(frozen=True)
class BusinessRules:
    version: int
    name: str
    zone: str
    offerings: dict[UUID, Offering]
    providers: dict[UUID, ProviderRules]

    def offering(self, offering_id: UUID) -> Offering:
        try:
            return self.offerings[offering_id]
        except KeyError:
            raise OfferingNotFound("This business has no such service.") from None

    def provider(self, provider_id: UUID) -> ProviderRules:
        try:
            return self.providers[provider_id]
        except KeyError:
            raise ProviderNotFound("This business has no such provider.") from None

    def performers(self, offering_id: UUID) -> list[ProviderRules]:
        """The active providers of an active offering, by id; none when the offering is inactive."""
        if not self.offering(offering_id).active:
            return []
        return [p for p in self.providers.values() if p.active and offering_id in p.offering_ids]


class RulesCache:
    """The rules of the businesses asked for last. Never wrong, only old: callers compare the version they read."""

    def __init__(self, capacity: int = 2_000) -> None:
        self._capacity = capacity
        self._rules: OrderedDict[UUID, BusinessRules] = OrderedDict()
        self._lock = Lock()

    def known(self, business_id: UUID) -> BusinessRules | None:
        return self._rules.get(business_id)

    def at(self, business_id: UUID, version: int, load: Callable[[], BusinessRules]) -> BusinessRules:
        """The rules at `version`: from the cache, or by `load`, which must read them at that version or later."""
        rules = self._rules.get(business_id)
        if rules is None or rules.version != version:
            rules = load()
            self._remember(business_id, rules)
        return rules

    def _remember(self, business_id: UUID, rules: BusinessRules) -> None:
        with self._lock:
            self._rules[business_id] = rules
            self._rules.move_to_end(business_id)
            while len(self._rules) > self._capacity:
                self._rules.popitem(last=False)
