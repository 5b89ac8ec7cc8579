"""A business to measure with, made through the product's own API as its people would make it."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

from deploy.devstack.ports import HOST
from deploy.errors import CommandError

PASSWORD = secrets.token_urlsafe(16)
TIMEOUT_SECONDS = 30.0


class TenantClient:
    """Somebody at a browser, signed in once they signed up or joined."""

    def __init__(self, port: int) -> None:
        self._session = requests.Session()
        self._root = f"http://{HOST}:{port}/api/v1"

    @property
    def cookie(self) -> dict[str, str]:
        """The header that shows who asks."""
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._session.cookies.items())}

    def ask(self, method: str, path: str, body: object = None, key: str | None = None) -> dict[str, Any]:
        """Raises CommandError unless the product does it: nothing can be measured then."""
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        answer = self._session.request(method, self._root + path, json=body, headers=headers, timeout=TIMEOUT_SECONDS)
        if not answer.ok:
            raise CommandError(f"{method} {path} was answered {answer.status_code}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found


@dataclass(frozen=True, slots=True)
class ServiceHours:
    """What is offered, and when each provider works, every day of the week, in UTC."""

    minutes: int
    opens: str
    closes: str


OFFICE_HOURS = ServiceHours(30, "09:00", "17:00")
ROUND_THE_CLOCK = ServiceHours(15, "00:00", "24:00")


@dataclass(frozen=True, slots=True)
class Tenant:
    """One offering, and providers who perform it."""

    port: int
    business_id: str
    slug: str
    owner: TenantClient
    offering_id: str
    providers: list[str]

    @property
    def path(self) -> str:
        """Where the business is in the API."""
        return f"/businesses/{self.slug}"

    def customer(self) -> TenantClient:
        """A new one."""
        person = TenantClient(self.port)
        email = f"customer-{secrets.token_hex(6)}@example.test"
        person.ask("POST", f"{self.path}/customers", {"name": "Bench Customer", "email": email, "password": PASSWORD})
        return person

    def book(self, who: TenantClient, provider_id: str, starts_at: datetime, key: str | None = None) -> dict[str, Any]:
        """The appointment."""
        body = {
            "offering_id": self.offering_id,
            "provider_id": provider_id,
            "starts_at": starts_at.isoformat(),
        }
        return who.ask("POST", f"{self.path}/appointments", body, key)


def open_tenant(port: int, providers: int, trade: ServiceHours) -> Tenant:
    """On the side that the flag names at this moment."""
    owner, slug = TenantClient(port), f"bench-{secrets.token_hex(6)}"
    about = {"business_name": "Bench", "slug": slug, "zone": "UTC", "currency": "EUR"}
    login = {"name": "Bench Owner", "email": f"{slug}@example.test", "password": PASSWORD}
    business = owner.ask("POST", "/signup", {**about, **login})["business"]
    path = f"/businesses/{slug}"
    offering = owner.ask("POST", f"{path}/offerings", {"name": "Bench", "duration_minutes": trade.minutes})
    return Tenant(
        port=port,
        business_id=business["business_id"],
        slug=slug,
        owner=owner,
        offering_id=offering["offering_id"],
        providers=[_hire(owner, path, offering["offering_id"], trade) for _ in range(providers)],
    )


def _hire(owner: TenantClient, path: str, offering_id: str, trade: ServiceHours) -> str:
    made = owner.ask("POST", f"{path}/providers", {"name": "Bench Provider", "zone": "UTC"})
    provider_id = str(made["provider_id"])
    week = [{"weekday": day, "opens": trade.opens, "closes": trade.closes} for day in range(1, 8)]
    owner.ask("PUT", f"{path}/providers/{provider_id}/offerings", {"offering_ids": [offering_id]})
    owner.ask("PUT", f"{path}/providers/{provider_id}/weekly-hours", {"ranges": week})
    return provider_id
