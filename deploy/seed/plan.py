"""The parameters of a seeding, and the ids derived from them."""

import hashlib
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from deploy.errors import CommandError
from monolith.cutover.scheduling_flag import AdapterName

MAX_BUSINESSES = 1_000_000
MAX_APPOINTMENTS = 100_000_000
MAX_PER_BUSINESS = 2_000_000
"""Appointments of one business: with more, its providers' calendars would span a century."""
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """`week` is the Monday around which the appointments are centred."""

    businesses: int
    appointments: int
    seed: int
    adapter: AdapterName
    week: date

    def __post_init__(self) -> None:
        _require_within("--businesses", self.businesses, 1, MAX_BUSINESSES)
        _require_within("--appointments", self.appointments, 0, MAX_APPOINTMENTS)
        _require_within("--seed", self.seed, 0, LARGEST_SEED)
        if self.appointments > self.businesses * MAX_PER_BUSINESS:
            fewest = -(-self.appointments // MAX_PER_BUSINESS)
            raise CommandError(
                f"--appointments {self.appointments} is too many for {self.businesses}: "
                f"a business has at most {MAX_PER_BUSINESS}; use --businesses {fewest} or more"
            )

    def appointments_of(self, index: int) -> int:
        """Return the number of appointments of a business. The first ones receive the remainder."""
        share, left = divmod(self.appointments, self.businesses)
        return share + (index < left)

    def slug(self, index: int) -> str:
        """Return the slug of a business."""
        return f"seed-{self.seed}-{index + 1}"

    def owner_email(self, index: int) -> str:
        """Return the e-mail address of the owner's account."""
        return f"owner-{index + 1}@seed-{self.seed}.example.com"

    def id_of(self, *name: object) -> UUID:
        """Return the id of a named object."""
        return UUID(bytes=self.digest(*name))

    def digest(self, *name: object) -> bytes:
        """Return 16 bytes derived from the seed and a name."""
        text = "\0".join(map(str, (self.seed, *name)))
        return hashlib.blake2b(text.encode(), digest_size=16, person=b"extraction seed").digest()


def _require_within(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise CommandError(f"{option} {value} is out of range: use {least} to {most}")
