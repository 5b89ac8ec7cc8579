"""The schemas of each database, with their roles and migrations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


_SESSION: Mapping[str, str] = {
    "timezone": "UTC",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "15s",
}


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema with its own owner role, running roles and Alembic history."""

    name: str
    migrations: Path
    further_roles: tuple[str, ...] = ()
    pooled_roles: tuple[str, ...] = ()
    """Those of `further_roles` whose connections may lead to a transaction pooler."""

    session: Mapping[str, str] = field(default_factory=lambda: {**_SESSION, "lock_timeout": "5s"})
    """Settings of the sessions of roles with connection pools. They belong to the roles, since a transaction pooler
    refuses them at the start-up of a connection, and forgets them when set later."""

    replicator: str | None = None
    """The one of `further_roles` that replicates the schema's rows to and from another server."""

    former_roles: tuple[str, ...] = ()
    """Roles of earlier releases that released migrations name. They cannot log in."""

    @property
    def owner(self) -> str:
        """The role that owns the tables and runs the migrations. It cannot log in."""
        return f"{self.name}_owner"

    @property
    def limited_roles(self) -> tuple[str, ...]:
        """The roles whose sessions have the settings `session`."""
        return (f"{self.name}_app", *self.pooled_roles)

    @property
    def running_roles(self) -> tuple[str, ...]:
        """The roles that processes log in as. The migrations grant each its privileges on tables."""
        return (f"{self.name}_app", *self.further_roles)


SCHEDULING = Schema(
    "scheduling",
    ROOT / "scheduling_service/engine/migrations",
    # The role of the relay reads every outbox, that of operators every business; `scheduling_mover` changes leases.
    further_roles=("scheduling_relay", "scheduling_operator", "scheduling_mover", "scheduling_replicator"),
    replicator="scheduling_replicator",
    # The engine limits its waits for locks itself, by the caller's deadline.
    session=_SESSION,
)

MONOLITH_SCHEMAS = (
    Schema("platform", ROOT / "monolith/shared/migrations", former_roles=("platform_mover",)),
    # Its history takes tables over from schema platform, so it must follow. The controller records and decides
    # cutovers.
    Schema("cutover", ROOT / "monolith/cutover/migrations", ("cutover_controller",)),
    Schema("auth", ROOT / "monolith/modules/auth/migrations"),
    Schema("billing", ROOT / "monolith/modules/billing/migrations"),
    Schema(
        "notifications",
        ROOT / "monolith/modules/notifications/migrations",
        further_roles=("notifications_sender",),
        pooled_roles=("notifications_sender",),
    ),
    Schema(
        "calendars",
        ROOT / "monolith/modules/calendars/migrations",
        further_roles=("calendars_worker",),
        pooled_roles=("calendars_worker",),
    ),
    SCHEDULING,
)
SCHEDULING_SCHEMAS = (SCHEDULING,)


@dataclass(frozen=True, slots=True)
class Target:
    """A database to set up or check. ``url`` carries an administrator's credentials."""

    name: str
    setting: str
    url: str
    role_secret: str
    schemas: tuple[Schema, ...]

    @property
    def running_roles(self) -> tuple[str, ...]:
        """All roles that may connect."""
        return tuple(role for schema in self.schemas for role in schema.running_roles)


def monolith_target(url: str, role_secret: str) -> Target:
    """Return the monolith's database: schemas of its modules, and the in-process schema `scheduling`."""
    return Target("monolith", "MONOLITH_DATABASE_URL", url, role_secret, MONOLITH_SCHEMAS)


def scheduling_target(url: str, role_secret: str) -> Target:
    """Return the scheduling service's database."""
    return Target("scheduling", "SCHEDULING_DATABASE_URL", url, role_secret, SCHEDULING_SCHEMAS)
