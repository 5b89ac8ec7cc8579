"""The requirements for starting replication. Each refusal names its remedy."""

from collections.abc import Collection, Mapping
from uuid import UUID

from monolith.cutover.databases import REPLICATOR, Connection, SchedulingDatabase
from monolith.cutover.wording import count_of

_SLOTS_NEEDED = 4
"""One for the stream, and one for each table that is copied in parallel."""


_FIXED: Mapping[int, int] = {17: 6, 18: 1}
"""The first minor releases that distribute the invalidations of an altered publication to open transactions."""


class ReplicationRefused(Exception):
    """Replication was not started. `remedy` is the operator's next step."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}: {remedy}")
        self.reason = reason
        self.remedy = remedy


def require_settings_and_rights(database: SchedulingDatabase, db: Connection, *, allow_unbounded_wal: bool) -> None:
    """Check the server's version and settings, and the replicator's rights. Raises ReplicationRefused."""
    require_release(database, db.info.server_version)
    if _setting(db, "wal_level") != "logical":
        raise ReplicationRefused(
            f"the {database.name} server has wal_level = {_setting(db, 'wal_level')}",
            "set wal_level = logical there and restart it",
        )
    if _setting(db, "max_slot_wal_keep_size") == "-1" and not allow_unbounded_wal:
        raise ReplicationRefused(
            f"the {database.name} server keeps WAL for a stopped subscriber without limit, until its disk is full",
            "set max_slot_wal_keep_size there, to 4GB for example, and reload; or use --allow-unbounded-wal",
        )
    for what, used in (
        ("max_replication_slots", "SELECT count(*) FROM pg_replication_slots"),
        ("max_wal_senders", "SELECT count(*) FROM pg_stat_replication"),
    ):
        _require_free(database, db, what, used)
    _require_rights(database, db)


def require_release(database: SchedulingDatabase, server_version: int) -> None:
    """Refuse a release that can lose changes when a publication is altered. Raises ReplicationRefused."""
    if loses_rows(server_version):
        raise ReplicationRefused(
            f"the {database.name} server is Postgres {server_version // 10_000}.{server_version % 10_000}, which can "
            "lose changes when a publication is altered while its tables are written",
            "upgrade it to 17.6, 18.1 or newer",
        )


def loses_rows(server_version: int) -> bool:
    """Return whether this release, in the form of `server_version_num`, can lose changes when a publication is
    altered, or is older than any supported one."""
    major, minor = divmod(server_version, 10_000)
    return major < min(_FIXED) or minor < _FIXED.get(major, 0)


def require_same_version(versions: dict[str, str]) -> None:
    """Raise ReplicationRefused unless all versions, by database name, are equal."""
    if len(set(versions.values())) > 1:
        found = ", ".join(f"{version} in {name}" for name, version in versions.items())
        raise ReplicationRefused(
            f"schema scheduling has different versions ({found})", "run `extraction db setup` for the older one"
        )


def require_unpaired(database: SchedulingDatabase, db: Connection, own: Collection[str]) -> None:
    """Refuse a database that is replicated with a third one: its publication is that of one pair.

    `own` are the names of the pair's subscriptions and slots; without any, the database may not be replicated at all.
    Raises ReplicationRefused.
    """
    others = db.execute(
        """
        SELECT s.subname::text FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
         WHERE d.datname = current_database() AND s.subname LIKE 'scheduling\\_%%' AND s.subname <> ALL (%(own)s)
         UNION
        SELECT slot_name::text FROM pg_replication_slots
         WHERE database = current_database() AND slot_name LIKE 'scheduling\\_%%' AND NOT temporary
           AND slot_name <> ALL (%(own)s)
         ORDER BY 1
        """,
        {"own": list(own)},
    ).fetchall()
    if others:
        raise ReplicationRefused(
            f"the {database.name} database is replicated with another one ({others[0][0]})",
            "stop that with `extraction replicate stop --between`, and the names of the two",
        )


def require_valid_leases(database: SchedulingDatabase, db: Connection) -> None:
    """Refuse a database that waits for a recovery: its copies may be the only rows. Raises ReplicationRefused."""
    if has_void_leases(db):
        raise ReplicationRefused(
            f"the leases of the {database.name} database are void since a restore or a failover",
            "run `extraction recover`",
        )


def has_void_leases(db: Connection) -> bool:
    """Return whether a lease of the database waits for a recovery, after a restore or a failover of any database."""
    row = db.execute(
        "SELECT EXISTS (SELECT FROM scheduling.lease WHERE incarnation <> (SELECT scheduling.incarnation()))"
    ).fetchone()
    return row == (True,)


def require_owner(database: SchedulingDatabase, db: Connection, business_id: UUID) -> None:
    """Refuse to delete the copy of a business that its owner no longer serves. Raises ReplicationRefused."""
    row = db.execute(
        """
        SELECT l.active AND l.incarnation = scheduling.incarnation()
          FROM scheduling.lease l WHERE l.business_id = %s
        """,
        (business_id,),
    ).fetchone()
    if row != (True,):
        raise ReplicationRefused(
            f"the {database.name} database no longer serves {business_id}, so that its copy was not deleted",
            "see `extraction status`",
        )


def held_and_owned(db: Connection) -> tuple[set[UUID], set[UUID]]:
    """Return the businesses that have rows in the database, and those that it owns: a void lease owns nothing."""
    held = {row[0] for row in db.execute("SELECT business_id FROM scheduling.business").fetchall()}
    owned = db.execute(
        """
        SELECT l.business_id FROM scheduling.lease l
         WHERE l.active AND l.incarnation = (SELECT scheduling.incarnation())
        """
    ).fetchall()
    return held, {business_id for (business_id,) in owned}


def require_no_copies(database: SchedulingDatabase, copies: set[UUID], owned_elsewhere: set[UUID]) -> None:
    """Refuse rows that the database does not own: copies of an earlier replication, or rows without any owner."""
    lost = copies - owned_elsewhere
    if lost:
        raise ReplicationRefused(
            f"the {database.name} database has rows that the other one lacks, "
            f"of businesses without an owner ({_named(lost)})",
            "settle their cutovers with `extraction cutover resume`, and check `extraction status`",
        )
    if copies:
        raise ReplicationRefused(
            f"the {database.name} database has old copies of {count_of(len(copies))} "
            f"that the other one owns ({_named(copies)})",
            "use --discard-copies to delete and copy them again",
        )


def _require_free(database: SchedulingDatabase, db: Connection, setting: str, used: str) -> None:
    limit = int(_setting(db, setting))
    row = db.execute(used.encode()).fetchone()
    free = limit - (0 if row is None else row[0])
    if free < _SLOTS_NEEDED:
        raise ReplicationRefused(
            f"the {database.name} server has {free} of its {setting} = {limit} left, and {_SLOTS_NEEDED} are needed",
            f"raise {setting} there and restart it",
        )


def _require_rights(database: SchedulingDatabase, db: Connection) -> None:
    row = db.execute(
        """
        SELECT r.rolbypassrls, r.rolreplication, pg_has_role(current_user, 'pg_create_subscription', 'USAGE'),
               has_database_privilege(current_user, current_database(), 'CREATE'),
               has_database_privilege('scheduling_owner', current_database(), 'CREATE')
          FROM pg_roles r WHERE r.rolname = current_user
        """
    ).fetchone()
    assert row is not None, "the current role exists"
    grants = (
        f"ALTER ROLE {REPLICATOR} BYPASSRLS",
        f"ALTER ROLE {REPLICATOR} REPLICATION",
        f"GRANT pg_create_subscription TO {REPLICATOR} WITH INHERIT TRUE",
        f"GRANT CREATE ON DATABASE {db.info.dbname} TO {REPLICATOR}",
        f"GRANT CREATE ON DATABASE {db.info.dbname} TO scheduling_owner",
    )
    missing = [grant for grant, has in zip(grants, row, strict=True) if not has]
    if missing:
        raise ReplicationRefused(
            f"role {REPLICATOR} lacks rights in the {database.name} database",
            f"run `extraction db setup {database.name}` as an administrator, or: {'; '.join(missing)}",
        )


def _setting(db: Connection, name: str) -> str:
    row = db.execute("SELECT setting FROM pg_settings WHERE name = %s", (name,)).fetchone()
    return "" if row is None else str(row[0])


def _named(businesses: set[UUID]) -> str:
    listed = ", ".join(str(each) for each in sorted(businesses)[:3])
    return listed if len(businesses) <= 3 else f"{listed}, …"
