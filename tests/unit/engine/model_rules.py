"""The engine's rules and occupancy for a model, without a database."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from scheduling_service.engine.availability import AvailabilityQuery, Occupancy, build_query
from scheduling_service.engine.availability.occupancy import BookableSession
from scheduling_service.engine.hours import to_utc
from scheduling_service.engine.rules import BusinessRules, compile_rules
from tests.unit.engine.availability_model import MINUTE, Model, Person, Range, Terms, Week

OFFERING, CUSTOMER = UUID(int=1), UUID(int=2)


def provider_id(index: int) -> UUID:
    return UUID(int=1000 + index)


def session_id(index: int, start: int) -> UUID:
    return UUID(int=start * 1000 + index)


def resource_ids(model: Model) -> dict[tuple[str, int], UUID]:
    pairs = [(kind, index) for kind, things in model.things.items() for index in range(len(things))]
    return {pair: UUID(int=2000 + number) for number, pair in enumerate(pairs)}


def query_of(model: Model) -> AvailabilityQuery:
    terms = model.terms
    return build_query(
        rules(model),
        OFFERING,
        duration_minutes=terms.length // MINUTE,
        seats=terms.seats,
        customer_id=CUSTOMER,
        on_grid=terms.on_grid,
    )


def occupancy_of(model: Model, query: AvailabilityQuery) -> Occupancy:
    return Occupancy(
        now=model.now,
        rules_version=1,
        has_overdue_holds=False,
        providers=[sorted(person.busy) for person in model.people],
        resources=[sorted(thing.busy) for need in query.offering.needs for thing in model.things.get(need.kind, ())],
        sessions={
            (index, each.start): BookableSession(session_id(index, each.start), each.end, each.seats_left)
            for index, person in enumerate(model.people)
            for each in person.sessions
        },
        daily_counts={
            **{(index, day): n for index, person in enumerate(model.people) for day, n in person.counts.items()},
            **{(-1, day): number for day, number in model.counts.items()},
        },
    )


def rules(model: Model) -> BusinessRules:
    ids = resource_ids(model)
    blocks: list[tuple[Range, UUID | None, UUID | None]] = [
        (span, provider_id(n), None) for n, person in enumerate(model.people) for span in person.blocked
    ]
    blocks += [
        (span, None, ids[kind, index])
        for kind, things in model.things.items()
        for index, thing in enumerate(things)
        for span in thing.blocked
    ]
    return compile_rules(
        version=1,
        name="Salon",
        zone=str(model.zone),
        offerings=[offering(model.terms)],
        providers=[_provider(index, person) for index, person in enumerate(model.people)],
        overrides=[
            m.DateOverride(provider_id=provider_id(index), date=day, mode=each.mode, ranges=_ranges(each.ranges))  # type: ignore[arg-type]
            for index, person in enumerate(model.people)
            for day, each in person.overrides.items()
        ],
        holidays=[m.Holiday(date=day, name="Holiday") for day in model.holidays],
        blocks=[_block(span, whose, what) for span, whose, what in blocks],
        resources=[m.Resource(resource_id=ids[pair], name="Thing", kind=pair[0], active=True) for pair in ids],
    )


def offering(terms: Terms) -> m.Offering:
    window = m.BookingWindow(
        kind=terms.window,  # type: ignore[arg-type]
        days=terms.window_days if terms.window.startswith("rolling") else None,
        first=terms.first if terms.window == "fixed" else None,
        last=terms.last if terms.window == "fixed" else None,
    )
    return m.Offering(
        offering_id=OFFERING,
        name="Cut",
        duration_minutes=terms.length // MINUTE,
        step_minutes=terms.step // MINUTE,
        offset_minutes=terms.offset // MINUTE,
        buffer_before_minutes=terms.before // MINUTE,
        buffer_after_minutes=terms.after // MINUTE,
        min_notice_minutes=terms.notice // MINUTE,
        window=window,
        limits=m.Limits(
            provider_day=terms.provider_day,
            provider_week=terms.provider_week,
            customer_day=terms.customer_day,
            customer_week=terms.customer_week,
        ),
        capacity=terms.capacity,
        assignment="collective" if terms.collective else "round_robin",
        needs=tuple(m.ResourceNeed(kind=kind, quantity=quantity) for kind, quantity in terms.needs.items()),
        active=True,
    )


def _provider(index: int, person: Person) -> m.Provider:
    dated = [m.Schedule(effective_from=d.first, effective_until=d.last, ranges=_week(d.week)) for d in person.dated]
    return m.Provider(
        provider_id=provider_id(index),
        name="Ada",
        zone=str(person.zone),
        active=True,
        offering_ids=(OFFERING,),
        weekly_hours=_week(person.week),
        schedules=tuple(dated),
    )


def _block(span: Range, whose: UUID | None, what: UUID | None) -> m.Block:
    start, end = map(to_utc, span)
    return m.Block(block_id=UUID(int=0), start=start, end=end, provider_id=whose, resource_id=what, reason="")


def _week(week: Week) -> tuple[m.WorkingRange, ...]:
    return tuple(
        m.WorkingRange(weekday=weekday, opens=wall(opens), closes=wall(closes, 24))
        for weekday, day in enumerate(week, 1)
        for opens, closes in day
    )


def _ranges(ranges: Sequence[Range]) -> tuple[m.DayRange, ...]:
    return tuple(m.DayRange(opens=wall(opens), closes=wall(closes, 24)) for opens, closes in ranges)


def wall(minute: int, last: int = 0) -> str:
    """Format minutes after midnight as the contract does: past 24:00 as a time of the next day; midnight is 24:00."""
    hours, minutes = divmod(minute, 60)
    return f"{last:02d}:00" if minute == 1440 else f"{hours % 24:02d}:{minutes:02d}"


def plain(zone: str, week: Week, *, length: int, step: int | None = None, **terms: int | date | str) -> Model:
    """Return rules with one provider and one offering; lengths in minutes."""
    where = ZoneInfo(zone)
    return Model(
        where,
        Terms(step=(step or length) * MINUTE, length=length * MINUTE, **terms),  # type: ignore[arg-type]
        [Person(where, week)],
        now=0,
    )
