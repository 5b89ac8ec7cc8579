"""The calendar: a day of all providers, side by side or as a list, and a week of one provider."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, request
from werkzeug import Response

from contracts.scheduling import models as m
from monolith.web.free_times import day_window, local_today
from monolith.web.office.board import Board, Known, build_board
from monolith.web.office.staff_pages import Catalog, Office, PageResponse, id_in, read_all, read_catalog, render, to
from monolith.web.page_context import PageContext

_SHOWN: tuple[m.AppointmentStatus, ...] = ("held", "pending", "booked", "completed", "no_show")
_SHORTEST_STEP = 15


class CalendarPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, "", "today", self.today)
        self._office.add(pages, "/day", "day", self.day)
        self._office.add(pages, "/week", "week", self.week)

    def today(self, page: PageContext) -> Response:
        """Redirect to the calendar, or to the first steps while nothing can be booked."""
        catalog = read_catalog(page)
        bookable = any(p.active and p.offering_ids and (p.weekly_hours or p.schedules) for p in catalog.providers)
        return to(page, "day" if bookable else "start")

    def day(self, page: PageContext) -> PageResponse:
        catalog, day = read_catalog(page), _requested_day(page)
        shown = _shown_providers(catalog)
        known = self._known(page, catalog, shown, day, 1)
        board = build_board(known, [(provider, day) for provider in shown], datetime.now(UTC))
        view = "list" if request.args.get("view") == "list" else "grid"
        listed = sorted(
            (entry for column in board.columns for entry in column.appointments), key=lambda entry: entry.start
        )
        return self._render(page, "day.html", board, known, day, 1, listed=listed, view=view)

    def week(self, page: PageContext) -> PageResponse:
        catalog, day = read_catalog(page), _requested_day(page)
        monday = day - timedelta(days=day.weekday())
        providers = _shown_providers(catalog)
        provider = catalog.provider(id_in(request.args, "provider")) or (providers[0] if providers else None)
        shown = [provider] if provider else []
        known = self._known(page, catalog, shown, monday, 7)
        columns = [(each, monday + timedelta(days=offset)) for each in shown for offset in range(7)]
        board = build_board(known, columns, datetime.now(UTC))
        return self._render(page, "week.html", board, known, monday, 7, provider=provider, providers=providers)

    def _render(
        self, page: PageContext, template: str, board: Board, known: Known, day: date, days: int, **values: object
    ) -> str:
        return render(
            page,
            template,
            section="calendar",
            board=board,
            day=day,
            days=days,
            today=local_today(page),
            before=day - timedelta(days=days),
            after=day + timedelta(days=days),
            holiday=known.holidays.get(day),
            pending=[each for each in known.appointments if each.status == "pending"],
            **values,
        )

    def _known(
        self, page: PageContext, catalog: Catalog, providers: Sequence[m.Provider], day: date, days: int
    ) -> Known:
        start, end = day_window(page, day, days)
        # An appointment that began the day before may still last.
        wanted = m.ListAppointments(statuses=_SHOWN, start=start - timedelta(days=1), end=end)
        found = [each for each in read_all(page, wanted) if each.ends_at > start]
        context = page.call_context()
        blocks = page.port.list_blocks(context, m.ListBlocks(start=start, end=end, limit=200)).blocks
        holidays = page.port.list_holidays(context, m.ListHolidays()).holidays
        customers = {each.customer_id for each in found}
        steps = [each.step_minutes for each in catalog.active_offerings]
        return Known(
            zone=ZoneInfo(page.business.zone),
            appointments=found,
            blocks=blocks,
            holidays={each.date: each.name for each in holidays},
            overrides=_overrides(page, providers, day, day + timedelta(days=days - 1)),
            names=self._office.auth.api.customer_names(page.business.business_id, customers),
            step=max(_SHORTEST_STEP, min(steps, default=30)),
        )


def _overrides(
    page: PageContext, providers: Sequence[m.Provider], first: date, last: date
) -> Mapping[tuple[UUID, date], m.DateOverride]:
    context = page.call_context()
    found = (
        page.port.list_date_overrides(
            context, m.ListDateOverrides(provider_id=each.provider_id, first=first, last=last)
        ).overrides
        for each in providers
    )
    return {(each.provider_id, each.date): each for overrides in found for each in overrides}


def _shown_providers(catalog: Catalog) -> list[m.Provider]:
    return catalog.active_providers


def _requested_day(page: PageContext) -> date:
    try:
        day = date.fromisoformat(request.args.get("date", ""))
    except ValueError:
        return local_today(page)
    return day if 2000 < day.year < 2199 else local_today(page)
