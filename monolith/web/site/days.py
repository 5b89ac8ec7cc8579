"""Days with their free times, for the lists that visitors choose from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from contracts.chassis.values import Instant
from contracts.scheduling import models as m
from monolith.shared.localization import N_
from monolith.web.page_context import PageContext
from monolith.web.site.choice import Choice

DAYS_SHOWN: Final = 14
HORIZON: Final = timedelta(days=2 * 366)
MANY: Final = 12
"""More times than this are grouped by part of the day."""
NEAREST: Final = 6
_SEARCHES: Final = 4
"""A list takes at most this many calls; one call is enough unless a business has very many possible starts."""
_PARTS: Final = ((0, N_("Night")), (6, N_("Morning")), (12, N_("Afternoon")), (17, N_("Evening")))


class FreeStart(NamedTuple):
    """A time that can be chosen, by the provider who is listed first. `seats_left` None: there is a single seat."""

    at: Instant
    provider: m.Provider | None = None
    seats_left: int | None = None


@dataclass(frozen=True)
class FreeDay:
    """A local day and its free times, sorted."""

    date: date
    starts: tuple[FreeStart, ...]

    def parts(self, zone: str) -> list[tuple[str, list[FreeStart]]]:
        """Return the times by part of the day, with its English name; a short list is one part without a name."""
        if len(self.starts) <= MANY:
            return [("", list(self.starts))]
        info = ZoneInfo(zone)
        return [(name, list(those)) for name, those in groupby(self.starts, lambda start: _part(start, info))]


def free_days(page: PageContext, choice: Choice, first: date, zone: str, days: int = DAYS_SHOWN) -> list[FreeDay]:
    """Return `days` local days from `first`, with or without free times."""
    info = ZoneInfo(zone)
    start, end = _midnight(first, info), _midnight(first + timedelta(days=days), info)
    by_day: dict[date, list[FreeStart]] = {first + timedelta(days=n): [] for n in range(days)}
    for found in _starts(page, choice, start, end):
        by_day[found.at.astimezone(info).date()].append(found)
    return [FreeDay(day, tuple(starts)) for day, starts in by_day.items()]


def first_free_day(page: PageContext, choice: Choice, after: date, zone: str) -> date | None:
    """Return the first local day from `after` on that has a free time, at most about eight months ahead."""
    info = ZoneInfo(zone)
    start, until = _midnight(after, info), datetime.now(UTC) + HORIZON
    for _ in range(_SEARCHES):
        if start >= until:
            return None
        if choice.is_visit:
            found = _starts(page, choice, start, min(start + timedelta(days=28), until))
            if found:
                return found[0].at.astimezone(info).date()
            start += timedelta(days=28)
            continue
        reply = page.port.next_available(page.call_context(), _next_request(choice, start))
        if reply.slots:
            return reply.slots[0].starts_at.astimezone(info).date()
        start = reply.next_start or start + timedelta(days=62)
    return None


def nearest(page: PageContext, choice: Choice, at: datetime) -> list[FreeStart]:
    """Return the free times nearest to one that is not free, sorted by time."""
    now = datetime.now(UTC)
    if not now - timedelta(days=1) < at < now + HORIZON:
        return []
    start = max(at - timedelta(days=3), now)
    found = _starts(page, choice, start, max(at, start) + timedelta(days=7))
    closest = sorted(found, key=lambda each: abs(each.at - at))[:NEAREST]
    return sorted(closest, key=lambda each: each.at)


def is_free(page: PageContext, choice: Choice, at: datetime) -> FreeStart | None:
    """Return the free time that starts at this instant, if there is one. Past ones are never free."""
    now = datetime.now(UTC)
    if not now < at < now + HORIZON:
        return None
    return next((each for each in _starts(page, choice, at, at + timedelta(minutes=1)) if each.at == at), None)


def _starts(page: PageContext, choice: Choice, start: datetime, end: datetime) -> list[FreeStart]:
    found: list[FreeStart] = []
    begin: datetime | None = start
    for _ in range(_SEARCHES):
        if begin is None or begin >= end:
            break
        starts, begin = _search(page, choice, begin, end)
        found += starts
    return found


def _search(
    page: PageContext, choice: Choice, start: datetime, end: datetime
) -> tuple[list[FreeStart], datetime | None]:
    """Return the free times of one call, and from when the search must continue."""
    if choice.is_visit:
        visits = page.port.search_visits(
            page.call_context(),
            m.SearchVisits(
                offering_ids=tuple(each.offering_id for each in choice.offerings),
                start=start,
                end=end,
                provider_id=choice.provider_id,
            ),
        )
        return [FreeStart(each.starts_at) for each in visits.slots], visits.next_start
    request = m.SearchSlots(
        offering_id=choice.offering.offering_id,
        start=start,
        end=end,
        provider_id=choice.provider_id,
        duration_minutes=choice.minutes,
        seats=choice.seats,
    )
    reply = page.port.search_slots(page.call_context(), request)
    return _each_start_once(reply.slots, choice.providers), reply.next_start


def _each_start_once(slots: Iterable[m.Slot], providers: Sequence[m.Provider]) -> list[FreeStart]:
    known = {each.provider_id: each for each in providers}
    found: dict[datetime, FreeStart] = {}
    for slot in slots:
        at, seats = slot.starts_at, slot.seats_left
        first = found.get(at)
        if first is None:
            found[at] = FreeStart(at, known.get(slot.provider_id), seats)
        elif seats is not None and seats > (first.seats_left or 0):
            found[at] = FreeStart(at, first.provider, seats)
    return list(found.values())


def _next_request(choice: Choice, after: datetime) -> m.NextAvailable:
    return m.NextAvailable(
        offering_id=choice.offering.offering_id,
        after=max(after, datetime.now(UTC)),
        provider_id=choice.provider_id,
        duration_minutes=choice.minutes,
        seats=choice.seats,
    )


def _part(start: FreeStart, zone: ZoneInfo) -> str:
    hour = start.at.astimezone(zone).hour
    return next(name for begins, name in reversed(_PARTS) if hour >= begins)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
