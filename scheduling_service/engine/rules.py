"""A business's catalog, compiled for fast queries, and the cache of compiled catalogs by version."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from threading import Lock
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from contracts.scheduling.errors import OfferingNotFound, ProviderNotFound
from scheduling_service.engine.working_time import DayMinutes, ProviderRules, Range, Week

__all__ = ["BusinessRules", "ProviderRules", "Range", "ResourceRules", "RulesCache", "compile_rules"]


@dataclass(frozen=True)
class ResourceRules:
    """The rules of a room or a device. `blocked` is sorted and disjoint."""

    resource_id: UUID
    kind: str
    blocked: tuple[Range, ...]


@dataclass(frozen=True)
class BusinessRules:
    """A business's compiled catalog at one version."""

    version: int
    name: str
    zone: str
    zone_info: ZoneInfo
    offerings: dict[UUID, m.Offering]
    providers: dict[UUID, ProviderRules]
    """Sorted by id."""
    resources: dict[str, tuple[ResourceRules, ...]]
    """The active resources of each kind, sorted by id."""

    def offering(self, offering_id: UUID) -> m.Offering:
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
        """Return the active providers of an offering, sorted by id; none when the offering is inactive."""
        if not self.offering(offering_id).active:
            return []
        return [p for p in self.providers.values() if p.active and offering_id in p.offering_ids]

    def resources_of(self, kind: str) -> tuple[ResourceRules, ...]:
        return self.resources.get(kind, ())


def compile_rules(
    version: int,
    name: str,
    zone: str,
    offerings: Sequence[m.Offering],
    providers: Sequence[m.Provider],
    overrides: Sequence[m.DateOverride] = (),
    holidays: Sequence[m.Holiday] = (),
    blocks: Sequence[m.Block] = (),
    resources: Sequence[m.Resource] = (),
) -> BusinessRules:
    """Compile a catalog."""
    closed = frozenset(holiday.date for holiday in holidays)
    overrides_by_provider: dict[UUID, dict[date, m.DateOverride]] = {}
    for override in overrides:
        overrides_by_provider.setdefault(override.provider_id, {})[override.date] = override
    blocked = _BlockedTime(blocks)
    compiled = [
        _provider(each, overrides_by_provider.get(each.provider_id, {}), closed, blocked.ranges_of(each.provider_id))
        for each in sorted(providers, key=lambda provider: provider.provider_id)
    ]
    return BusinessRules(
        version,
        name,
        zone,
        ZoneInfo(zone),
        {each.offering_id: each for each in offerings},
        {each.provider_id: each for each in compiled},
        _by_kind(resources, blocked),
    )


def merge_ranges(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Merge overlapping and adjacent ranges; return them sorted."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


class RulesCache:
    """The rules of the most recently used businesses. They may be outdated: callers compare versions. Thread-safe."""

    def __init__(self, capacity: int = 2_000) -> None:
        self._capacity = capacity
        self._rules: OrderedDict[UUID, BusinessRules] = OrderedDict()
        self._lock = Lock()

    def get(self, business_id: UUID) -> BusinessRules | None:
        return self._rules.get(business_id)

    def get_or_load(self, business_id: UUID, version: int, load: Callable[[], BusinessRules]) -> BusinessRules:
        """Return the rules at `version`, from the cache or from `load`, which must read that version or a later one."""
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


class _BlockedTime:
    """Blocked time, indexed by provider and resource, of which there may be a thousand each."""

    def __init__(self, blocks: Iterable[m.Block]) -> None:
        self._business: list[Range] = []
        self._own: dict[UUID, list[Range]] = {}
        for block in blocks:
            owner_id = block.provider_id or block.resource_id
            ranges = self._business if owner_id is None else self._own.setdefault(owner_id, [])
            ranges.append((int(block.start.timestamp()), ceil(block.end.timestamp())))

    def ranges_of(self, owner_id: UUID) -> tuple[Range, ...]:
        """Return the blocked ranges of a provider or resource, including those of the whole business."""
        return merge_ranges([*self._business, *self._own.get(owner_id, ())])


def _provider(
    provider: m.Provider,
    overrides: dict[date, m.DateOverride],
    holidays: frozenset[date],
    blocked: tuple[Range, ...],
) -> ProviderRules:
    return ProviderRules(
        provider_id=provider.provider_id,
        name=provider.name,
        zone=ZoneInfo(provider.zone),
        active=provider.active,
        weight=provider.weight,
        offering_ids=frozenset(provider.offering_ids),
        weeks=_weeks(provider),
        overrides=overrides,
        holidays=holidays,
        blocked=blocked,
    )


def _by_kind(resources: Iterable[m.Resource], blocked: _BlockedTime) -> dict[str, tuple[ResourceRules, ...]]:
    kinds: dict[str, list[ResourceRules]] = {}
    for each in sorted(resources, key=lambda resource: resource.resource_id):
        if each.active:
            found = ResourceRules(each.resource_id, each.kind, blocked.ranges_of(each.resource_id))
            kinds.setdefault(each.kind, []).append(found)
    return {kind: tuple(those) for kind, those in kinds.items()}


def _weeks(provider: m.Provider) -> tuple[Week, ...]:
    """Return the regular week, then the dated weeks sorted by first date: the last one that applies prevails."""
    dated = sorted(provider.schedules, key=lambda schedule: schedule.effective_from)
    return (
        Week(None, None, _days(provider.weekly_hours)),
        *(Week(each.effective_from, each.effective_until, _days(each.ranges)) for each in dated),
    )


def _days(ranges: Sequence[m.WorkingRange]) -> tuple[tuple[DayMinutes, ...], ...]:
    days: list[list[DayMinutes]] = [[] for _ in range(7)]
    for each in ranges:
        days[each.weekday - 1].append(m.DayRange(opens=each.opens, closes=each.closes).minutes())
    return tuple(tuple(sorted(day)) for day in days)
