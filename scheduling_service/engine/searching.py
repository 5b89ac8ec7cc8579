"""What can be booked."""

import math

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import BusinessNotFound, Unavailable
from scheduling_service.engine.availability import offered_starts
from scheduling_service.engine.catalog import load_rules
from scheduling_service.engine.database import Database, time_left_ms
from scheduling_service.engine.hours import as_utc
from scheduling_service.engine.reading import perform
from scheduling_service.engine.rules import BusinessRules, ProviderRules, Range, RulesCache
from scheduling_service.engine.store import availability as store

_ROUNDS = 3


def search_slots(database: Database, cache: RulesCache, ctx: CallContext, request: m.SearchSlots) -> m.Slots:
    """One query when the cached rules are current; the rules are read again when the query says that they are old."""
    rules = cache.known(ctx.business_id) or _load(database, cache, ctx)
    for _ in range(_ROUNDS):
        providers = _asked(rules, request)
        taken = _read_taken(database, ctx, rules, providers, request)
        if taken.rules_version == rules.version:
            return m.Slots(zone=rules.zone, slots=tuple(_slots(rules, providers, request, taken)))
        rules = _load(database, cache, ctx)
    raise Unavailable("The business's rules keep changing; ask again.", retry_after=0.2)


def _read_taken(
    database: Database,
    ctx: CallContext,
    rules: BusinessRules,
    providers: list[ProviderRules],
    request: m.SearchSlots,
) -> store.Taken:
    ids = [provider.provider_id for provider in providers]
    start, end = _window(request)
    # A start at the window's end lasts beyond it, and may meet there what begins after the window.
    window = (start, end + rules.offering(request.offering_id).duration_minutes * 60)
    taken = database.read(
        ctx.deadline,
        lambda db: store.read_availability(db, ctx.business_id, ids, window, time_left_ms(ctx.deadline)),
    )
    if taken is None:
        raise BusinessNotFound("There is no such business.")
    return taken


def _load(database: Database, cache: RulesCache, ctx: CallContext) -> BusinessRules:
    rules = perform(database, ctx, lambda db: load_rules(db, ctx.business_id))
    return cache.at(ctx.business_id, rules.version, lambda: rules)


def _asked(rules: BusinessRules, request: m.SearchSlots) -> list[ProviderRules]:
    performers = rules.performers(request.offering_id)
    if request.provider_id is None:
        return performers
    asked = rules.provider(request.provider_id)
    return [asked] if asked in performers else []


def _slots(
    rules: BusinessRules, providers: list[ProviderRules], request: m.SearchSlots, taken: store.Taken
) -> list[m.Slot]:
    offering = rules.offering(request.offering_id)
    window = _window(request)
    found = [
        (start, provider.provider_id)
        for provider, busy in zip(providers, _by_provider(len(providers), taken), strict=True)
        for start in offered_starts(provider, offering, window, busy, taken.now)
    ]
    if len(providers) > 1:
        found.sort()
    length = offering.duration_minutes * 60
    return [m.Slot(provider_id=who, starts_at=as_utc(at), ends_at=as_utc(at + length)) for at, who in found]


def _window(request: m.SearchSlots) -> Range:
    """Starts are whole seconds, so the first one not before a fraction of a second is at the next."""
    return math.ceil(request.start.timestamp()), math.ceil(request.end.timestamp())


def _by_provider(count: int, taken: store.Taken) -> list[list[Range]]:
    busy: list[list[Range]] = [[] for _ in range(count)]
    for provider, start, end in taken.ranges:
        busy[provider - 1].append((start, end))
    for ranges in busy:
        ranges.sort()
    return busy
