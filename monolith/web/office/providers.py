"""Providers: their services, weekly hours, other hours on one date, and time off; holidays of the business."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from flask import Blueprint, request

from contracts.scheduling import models as m
from monolith.shared.endpoints.decoding import convert
from monolith.shared.endpoints.errors import invalid_request, not_found
from monolith.shared.localization import N_, Language
from monolith.shared.localization.formats import short_weekdays, weekdays
from monolith.web.free_times import local_today
from monolith.web.language import gettext, language
from monolith.web.office.staff_pages import (
    Office,
    PageResponse,
    attempt,
    form_key,
    number_of,
    read_catalog,
    render,
    text_of,
    to,
)
from monolith.web.page_context import PageContext
from monolith.web.problem_messages import PageError

_PROVIDER = "/providers/<uuid:provider_id>"
_ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
_YEAR = timedelta(days=365)


class ProviderPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, pages: Blueprint) -> None:
        self._office.add(pages, "/providers", "providers", self.providers)
        self._office.add(pages, "/providers", "add_provider", self.add, ("POST",))
        self._office.add(pages, _PROVIDER, "provider", self.provider)
        self._office.add(pages, _PROVIDER, "change_provider", self.change, ("POST",))
        self._office.add(pages, _PROVIDER + "/hours", "set_hours", self.set_hours, ("POST",))
        self._office.add(pages, _PROVIDER + "/override", "set_override", self.set_override, ("POST",))
        self._office.add(pages, "/time-off", "time_off", self.time_off)
        self._office.add(pages, "/time-off", "block", self.block, ("POST",))
        self._office.add(pages, "/time-off/<uuid:block_id>/remove", "unblock", self.unblock, ("POST",))
        self._office.add(pages, "/holidays", "set_holidays", self.set_holidays, ("POST",))

    def providers(self, page: PageContext) -> PageResponse:
        return self._list(page)

    def add(self, page: PageContext) -> PageResponse:
        def action() -> PageResponse:
            key = form_key()
            fields = {"name": text_of("name"), "zone": page.business.zone}
            added = page.port.create_provider(page.call_context(key), convert(fields, m.CreateProvider))
            offered = tuple(each.offering_id for each in read_catalog(page).active_offerings)
            if offered:
                wanted = m.AssignOfferings(provider_id=added.provider_id, offering_ids=offered)
                page.port.assign_offerings(page.call_context(f"{key}-services"), wanted)
            return to(page, "provider", "added", provider_id=added.provider_id)

        return attempt(action, lambda problem: self._list(page, problem))

    def provider(self, page: PageContext, provider_id: UUID) -> PageResponse:
        return self._one(page, provider_id)

    def change(self, page: PageContext, provider_id: UUID) -> PageResponse:
        form = request.form

        def action() -> PageResponse:
            key = form_key()
            fields: dict[str, Any] = {"provider_id": provider_id, "name": text_of("name"), "zone": text_of("zone")}
            fields |= {"active": "active" in form, "weight": number_of("weight") or 1}
            offered = {"provider_id": provider_id, "offering_ids": form.getlist("offering")}
            wanted = convert(offered, m.AssignOfferings)
            page.port.update_provider(page.call_context(key), convert(fields, m.UpdateProvider))
            page.port.assign_offerings(page.call_context(f"{key}-services"), wanted)
            return to(page, "provider", "saved", provider_id=provider_id)

        return attempt(action, lambda problem: self._one(page, provider_id, problem))

    def set_hours(self, page: PageContext, provider_id: UUID) -> PageResponse:
        """Replace the weekly hours: the regular ones, or those from one date to another."""
        form = request.form

        def action() -> PageResponse:
            ranges = [
                {"weekday": weekday, "opens": opens, "closes": closes}
                for weekday in range(1, 8)
                for opens, closes in parse_ranges(_hours_on(weekday))
            ]
            fields = {
                "provider_id": provider_id,
                "ranges": [] if "remove" in form else ranges,
                "effective_from": form.get("effective_from") or None,
                "effective_until": form.get("effective_until") or None,
                "remove": "remove" in form,
            }
            page.port.set_weekly_hours(page.call_context(form_key()), convert(fields, m.SetWeeklyHours))
            return to(page, "provider", "saved", provider_id=provider_id)

        return attempt(action, lambda problem: self._one(page, provider_id, problem))

    def set_override(self, page: PageContext, provider_id: UUID) -> PageResponse:
        def action() -> PageResponse:
            mode = request.form.get("mode", "")
            parsed = parse_ranges(text_of("ranges")) if mode in ("replace", "extra") else []
            fields = {
                "provider_id": provider_id,
                "date": request.form.get("date", ""),
                "mode": mode,
                "ranges": [{"opens": opens, "closes": closes} for opens, closes in parsed],
            }
            page.port.set_date_override(page.call_context(form_key()), convert(fields, m.SetDateOverride))
            return to(page, "provider", "saved", provider_id=provider_id)

        return attempt(action, lambda problem: self._one(page, provider_id, problem))

    def time_off(self, page: PageContext) -> PageResponse:
        return self._time_off(page)

    def block(self, page: PageContext) -> PageResponse:
        form = request.form

        def action() -> PageResponse:
            kind, _, chosen = form.get("who", "").partition(":")
            start, end = _interval(page)
            fields = {
                "start": start,
                "end": end,
                "provider_id": chosen if kind == "provider" else None,
                "resource_id": chosen if kind == "resource" else None,
                "reason": text_of("reason"),
            }
            page.port.block_time(page.call_context(form_key()), convert(fields, m.BlockTime))
            return to(page, "time_off", "added")

        return attempt(action, lambda problem: self._time_off(page, problem))

    def unblock(self, page: PageContext, block_id: UUID) -> PageResponse:
        page.port.remove_block(page.call_context(form_key()), m.RemoveBlock(block_id=block_id))
        return to(page, "time_off", "removed")

    def set_holidays(self, page: PageContext) -> PageResponse:
        """Add or remove one holiday; the others stay."""
        form = request.form

        def action() -> PageResponse:
            current = page.port.list_holidays(page.call_context(), m.ListHolidays()).holidays
            removed = form.get("remove")
            holidays = [{"date": each.date, "name": each.name} for each in current if str(each.date) != removed]
            if removed is None:
                holidays.append({"date": form.get("date", ""), "name": text_of("name") or gettext("Holiday")})
            page.port.set_holidays(page.call_context(form_key()), convert({"holidays": holidays}, m.SetHolidays))
            return to(page, "time_off", "saved")

        return attempt(action, lambda problem: self._time_off(page, problem))

    def _list(self, page: PageContext, problem: str | None = None) -> str:
        catalog = read_catalog(page)
        hours = {each.provider_id: week_text(each.weekly_hours, language()) for each in catalog.providers}
        return render(
            page,
            "providers.html",
            section="providers",
            catalog=catalog,
            hours=hours,
            form=request.form,
            problem=problem,
        )

    def _one(self, page: PageContext, provider_id: UUID, problem: str | None = None) -> str:
        catalog = read_catalog(page)
        provider = catalog.provider(provider_id)
        if provider is None:
            raise not_found("provider")
        today = local_today(page)
        overrides = m.ListDateOverrides(provider_id=provider_id, first=today, last=today + _YEAR)
        return render(
            page,
            "provider.html",
            section="providers",
            provider=provider,
            catalog=catalog,
            week=_week(provider.weekly_hours, language()),
            schedules=[(each, week_text(each.ranges, language())) for each in provider.schedules],
            overrides=page.port.list_date_overrides(page.call_context(), overrides).overrides,
            today=today,
            zones=_ZONES,
            form=request.form,
            problem=problem,
        )

    def _time_off(self, page: PageContext, problem: str | None = None) -> str:
        context, port, now = page.call_context(), page.port, datetime.now(UTC)
        catalog = read_catalog(page)
        blocks: list[m.Block] = []
        for ahead in (0, 60):
            start = now + timedelta(days=ahead)
            window = m.ListBlocks(start=start, end=start + timedelta(days=60), limit=200)
            blocks += [each for each in port.list_blocks(context, window).blocks if each not in blocks]
        resources = port.list_resources(context, m.ListResources()).resources
        names = {each.provider_id: each.name for each in catalog.providers}
        names |= {each.resource_id: each.name for each in resources}
        return render(
            page,
            "time_off.html",
            section="time-off",
            blocks=blocks,
            names=names,
            providers=catalog.active_providers,
            resources=[each for each in resources if each.active],
            holidays=port.list_holidays(context, m.ListHolidays()).holidays,
            today=local_today(page),
            form=request.form,
            problem=problem,
        )


def _hours_on(weekday: int) -> str:
    """Return the hours of a day in the form; without own ones, those from Monday to Friday count."""
    return text_of(f"day_{weekday}") or (text_of("workdays") if weekday <= 5 else "")


_RANGE = re.compile(r"(\d{1,2})(?:[:.]?(\d{2}))?\s*(?:-|–|to|bis)\s*(\d{1,2})(?:[:.]?(\d{2}))?(?:\s*Uhr)?(?!\d)")
_BETWEEN = re.compile(r"\s|[,;&]|and|und")


def parse_ranges(text: str) -> list[tuple[str, str]]:
    """Return the ranges of a text such as `9-13, 14:00-18:00`, or `9 bis 13 Uhr`. Raises ApiError 400."""
    if _BETWEEN.sub("", _RANGE.sub("", text)):
        message = N_("Please enter hours like 9:00-13:00, 14:00-18:00 in place of “%(text)s”.")
        raise PageError(400, "invalid_request", message, text=text[:60])
    return [
        (f"{int(opens_hour):02d}:{opens_minute}", f"{int(closes_hour):02d}:{closes_minute}")
        for found in _RANGE.finditer(text)
        for opens_hour, opens_minute, closes_hour, closes_minute in [found.groups(default="00")]
    ]


def week_text(ranges: Sequence[m.WorkingRange], language: Language) -> str:
    """Return weekly hours on one line, such as `Mon–Fri 09:00–17:00`; days with the same hours together."""
    week, names = _week(ranges, language), short_weekdays(language)
    groups: list[tuple[int, int, str]] = []
    for day, (_, hours) in enumerate(week):
        if groups and groups[-1][1] == day - 1 and groups[-1][2] == hours:
            groups[-1] = (groups[-1][0], day, hours)
        else:
            groups.append((day, day, hours))
    shown = [
        f"{names[first]}{'' if first == last else '–' + names[last]} {hours.replace('-', '–')}"
        for first, last, hours in groups
        if hours
    ]
    return "; ".join(shown)


def _week(ranges: Sequence[m.WorkingRange], language: Language) -> list[tuple[str, str]]:
    """Return the weekdays with their hours as the form shows them."""
    return [
        (name, ", ".join(f"{each.opens}-{each.closes}" for each in ranges if each.weekday == weekday))
        for weekday, name in enumerate(weekdays(language), 1)
    ]


def _interval(page: PageContext) -> tuple[datetime, datetime]:
    """Return the interval in the form, in the zone of the business: whole days if no times are given."""
    form, zone = request.form, ZoneInfo(page.business.zone)
    try:
        first = date.fromisoformat(form.get("first", ""))
        last = date.fromisoformat(form.get("last", "") or form.get("first", ""))
        opens = time.fromisoformat(form.get("from") or "00:00")
        closes = time.fromisoformat(form["until"]) if form.get("until") else None
    except ValueError:
        raise invalid_request(N_("Please enter at least a first day.")) from None
    end = datetime.combine(last, closes) if closes else datetime.combine(last + timedelta(days=1), time())
    return datetime.combine(first, opens, zone).astimezone(UTC), end.replace(tzinfo=zone).astimezone(UTC)
