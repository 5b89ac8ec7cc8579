"""The time zone in which a visitor sees times. It changes what is shown, never an instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from flask import request

from monolith.shared.endpoints import BusinessRef
from monolith.web.language import gettext


@dataclass(frozen=True)
class VisitorZone:
    """`name` is an IANA name. `chosen`: by the visitor or a script; `fixed`: it cannot be chosen."""

    name: str
    chosen: bool = False
    fixed: bool = False
    problem: str | None = None

    @property
    def parameter(self) -> str | None:
        """Return the value for the addresses of further pages; None to let them detect the zone."""
        return self.name if self.chosen else None

    @property
    def info(self) -> ZoneInfo:
        return ZoneInfo(self.name)

    def today(self) -> date:
        return datetime.now(self.info).date()


def visitor_zone(business: BusinessRef, values: Mapping[str, str]) -> VisitorZone:
    """Return the zone in an address or a form, or that of the business."""
    if business.details.fixed_zone:
        return VisitorZone(business.zone, fixed=True)
    wanted = values.get("zone", "")
    if not wanted:
        return VisitorZone(business.zone)
    if wanted not in zone_names():
        problem = gettext("This time zone is unknown, so this page shows the times of the business.")
        return VisitorZone(business.zone, problem=problem)
    return VisitorZone(wanted, chosen=True)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return all names that a browser may report, those that have been renamed included."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


@lru_cache(maxsize=1)
def offered_zones() -> tuple[str, ...]:
    """Return the names to choose from, sorted: one per place."""
    return tuple(sorted(zone for zone in zone_names() if "/" in zone and not zone.startswith(_OLD_NAMES)))


def zones_to_choose(zone: VisitorZone) -> tuple[str, ...]:
    """Return the names for the list of zones if it is open: it is too long to be part of every page."""
    return offered_zones() if "zones" in request.args and not zone.fixed else ()


_OLD_NAMES = ("Etc/", "posix/", "right/", "SystemV/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/")
