"""What is asked of a seeding, and the ids that follow from it."""

import hashlib
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from deploy.errors import CommandError
from monolith.cutover.scheduling_flag import AdapterName

MOST_BUSINESSES = 1_000_000
MOST_APPOINTMENTS = 100_000_000
MOST_OF_ONE = 2_000_000
"""Appointments of one business: more than its providers could have in a century otherwise."""
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """`week` is a Monday, in whose middle the appointments lie."""

    businesses: int
    appointments: int
    seed: int
    side: AdapterName
    week: date

    def __post_init__(self) -> None:
        _require_within("--businesses", self.businesses, 1, MOST_BUSINESSES)
        _require_within("--appointments", self.appointments, 0, MOST_APPOINTMENTS)
        _require_within("--seed", self.seed, 0, LARGEST_SEED)
        if self.appointments > self.businesses * MOST_OF_ONE:
            fewest = -(-self.appointments // MOST_OF_ONE)
            raise CommandError(
                f"--appointments {self.appointments} are too many for {self.businesses}: "
                f"a business has {MOST_OF_ONE} at the most, so ask for --businesses {fewest} or more"
            )

    def appointments_of(self, index: int) -> int:
        """The remainder goes to the first."""
        share, left = divmod(self.appointments, self.businesses)
        return share + (index < left)

    def slug(self, index: int) -> str:
        """Of a business's page."""
        return f"seed-{self.seed}-{index + 1}"

    def owner_email(self, index: int) -> str:
        """Of the account that owns a business."""
        return f"owner-{index + 1}@seed-{self.seed}.example.com"

    def id_of(self, *name: object) -> UUID:
        """Of something that is not numbered in the thousands."""
        return UUID(bytes=self.digest(*name))

    def digest(self, *name: object) -> bytes:
        """16 bytes that follow from the seed and a name."""
        text = "\0".join(map(str, (self.seed, *name)))
        return hashlib.blake2b(text.encode(), digest_size=16, person=b"extraction seed").digest()


def _require_within(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise CommandError(f"{option} {value} is out of range: give {least} to {most}")
