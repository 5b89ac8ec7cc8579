"""The databases of the service as an operator sees them: list, register, and drain them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import REPLICATOR, Connection, DatabasePair, SchedulingDatabase, SchedulingDatabases
from monolith.cutover.inventory import read_leases, serves
from monolith.cutover.preflight import schema_version
from monolith.cutover.readiness import probe_service
from monolith.cutover.replication import CopyProgress
from monolith.cutover.replication.discarding import discard
from monolith.cutover.service.cutovers import CutoverService, OnMoved
from monolith.cutover.service.directory import BusinessDirectory
from monolith.cutover.service.errors import DatabaseRefused, UnknownDatabase
from monolith.cutover.service.extraction import ExtractionService
from monolith.cutover.service.requests import CutoverRequest
from monolith.cutover.store import cutovers, registry, servers
from monolith.cutover.store.platform_writes import append_audit
from monolith.cutover.store.registry import DatabaseEntry
from scheduling_service.engine import lease as leases


class DatabaseStatus(NamedTuple):
    """A registered database, and how many businesses it owns."""

    entry: DatabaseEntry
    businesses: int


class DrainRequest(NamedTuple):
    """Empty `name`, into `target` or into the databases that own the fewest businesses.

    `together` businesses are copied, moved and released at a time.
    """

    name: DatabaseName
    actor: str
    reason: str
    target: DatabaseName | None = None
    together: int = 500
    fence_seconds: float = 2.0


class DatabaseService:
    """Use it from one thread."""

    def __init__(
        self,
        databases: Callable[[], SchedulingDatabases],
        directory: BusinessDirectory,
        cutovers: CutoverService,
        extraction: ExtractionService,
    ) -> None:
        self._databases, self._directory = databases, directory
        self._cutovers, self._extraction = cutovers, extraction

    def all(self) -> list[DatabaseStatus]:
        """Return every database that can own a business, the monolith's first."""
        owned = [each.owner for each in self._directory.owners().values()]
        entries = registry.read_entries(self._control_db)
        return [DatabaseStatus(entry, owned.count(entry.name)) for entry in entries]

    def add(
        self, entry: DatabaseEntry, database: SchedulingDatabase, actor: str, *, with_businesses: bool = False
    ) -> None:
        """Register a further database of the service, which must be migrated, empty and served. Audited.

        `database` is how the control plane connects to it. With `with_businesses`, it may own some already, as after a
        restore of the record to a time before it was registered. Raises DatabaseRefused, with nothing changed.
        """
        problem = probe_service(entry.service_url or "")
        if problem is not None:
            raise DatabaseRefused(entry.name, f"its service is not ready to serve: {problem}")
        with database.connect() as db, self._databases().scheduling.connect() as first:
            _require_same_version(db, first, entry.name)
            if not with_businesses:
                _require_no_businesses(db, entry.name)
            self._require_distinct(db, entry.name)
            incarnation = leases.read_incarnation(db)
        with self._control_db.transaction():
            try:
                registry.add_entry(self._control_db, entry, actor)
            except registry.DatabaseExists:
                raise DatabaseRefused(entry.name, "a database with this name is registered already") from None
            servers.require_confirmed(self._control_db, entry.name, incarnation)
            self._audit("database.added", entry.name, actor, None, entry.service_url, "")

    def require(self, name: DatabaseName) -> DatabaseEntry:
        """Return the entry of a database. Raises UnknownDatabase."""
        found = {entry.name: entry for entry in registry.read_entries(self._control_db)}
        if name not in found:
            raise UnknownDatabase(name)
        return found[name]

    def activate(self, name: DatabaseName, actor: str, reason: str) -> None:
        """Open new businesses in a database again. Audited. Raises UnknownDatabase."""
        self._set_state(name, "active", actor, reason)

    def drain(self, request: DrainRequest, on_progress: Callable[[CopyProgress], None], on_moved: OnMoved) -> int:
        """Move every business of a database elsewhere while it is in use, and return how many moved.

        Opens no new business in it; one whose sign-up is not complete yet stays. Repeated after any interruption, it
        continues. Raises DatabaseRefused, DatabasesPaired, ReplicationRefused and BatchStopped.
        """
        self._require_drainable(request)
        self._set_state(request.name, "draining", request.actor, request.reason)
        moved = 0
        while True:
            moved += self._complete_transfer(request, on_progress, on_moved)
            owned = self._open_in(request.name)
            if not owned:
                return moved
            target = request.target or self._least_loaded(request.name)
            self._extraction.begin_transfer((request.name, target), owned[: request.together])

    def _complete_transfer(
        self, request: DrainRequest, on_progress: Callable[[CopyProgress], None], on_moved: OnMoved
    ) -> int:
        """Move what is left of the transfer that is recorded, end its replication, and delete the copies.

        Moves nothing to a database that is being drained itself, or is not the requested target.
        """
        entry = self.require(request.name)
        if entry.partner is None or entry.partner == "monolith" or entry.businesses is None:
            return 0
        between, scope = (entry.name, entry.partner), frozenset(entry.businesses)
        may_move = self._may_receive(request, entry.partner)
        left = [each for each in self._open_in(entry.name) if each in scope] if may_move else []
        moved = self._move(request, entry.partner, left, scope, on_progress, on_moved) if left else 0
        self._extraction.stop_replication(request.actor, between)
        self._discard(self._databases().pair(*between), entry.name, scope)
        registry.end_pair(self._control_db, *between)
        return moved

    def _move(
        self,
        request: DrainRequest,
        target: DatabaseName,
        businesses: Sequence[UUID],
        scope: frozenset[UUID],
        on_progress: Callable[[CopyProgress], None],
        on_moved: OnMoved,
    ) -> int:
        self._extraction.start_replication(
            on_progress,
            actor=request.actor,
            discard_copies=True,
            allow_unbounded_wal=False,
            between=(request.name, target),
            businesses=scope,
        )
        move = CutoverRequest(target, request.actor, request.reason, fence_seconds=request.fence_seconds)
        return self._cutovers.move(move, businesses, on_moved)

    def _discard(self, pair: DatabasePair, name: DatabaseName, scope: frozenset[UUID]) -> None:
        """Delete the copies of the businesses that have moved. Nothing may replicate from here: it would delete too."""
        target, owners = pair.partner_of(name), self._directory.owners()
        if any(each.business_id in scope for each in cutovers.unsettled(self._control_db)):
            raise DatabaseRefused(name, "a cutover is in progress, so that its copies were not deleted")
        copies = sorted(each for each in scope if each in owners and owners[each].owner == target)
        with pair.at(name).connect(REPLICATOR, statement_seconds=0.0) as here, pair.at(target).connect() as there:
            for business_id in copies:
                # After a restore of the target, the copy here may be the only one.
                if not serves(there, business_id, owners[business_id].epoch):
                    raise DatabaseRefused(
                        name, f"{target} does not serve {business_id}, so that its copy was not deleted"
                    )
                discard(pair.at(name), here, business_id)

    def _open_in(self, name: DatabaseName) -> list[UUID]:
        """Return the businesses that a database owns and holds, sorted by id."""
        with self._databases().at(name).connect() as db:
            held = read_leases(db)
        owners = self._directory.owners().items()
        return sorted(each for each, owned in owners if owned.owner == name and each in held)

    def _require_drainable(self, request: DrainRequest) -> None:
        self.require(request.name)
        if request.name == "monolith":
            raise DatabaseRefused("monolith", "the extraction moves its businesses")
        if request.target is not None:
            state = self.require(request.target).state
            if request.target in (request.name, "monolith") or state != "active":
                raise DatabaseRefused(request.name, f"its businesses cannot be moved to {request.target} by a drain")
        self._least_loaded(request.name)

    def _may_receive(self, request: DrainRequest, partner: DatabaseName) -> bool:
        return request.target in (None, partner) and self.require(partner).state == "active"

    def _least_loaded(self, other_than: DatabaseName) -> DatabaseName:
        found = [
            each
            for each in self.all()
            if each.entry.state == "active" and each.entry.name not in ("monolith", other_than)
        ]
        if not found:
            raise DatabaseRefused(other_than, "no other database of the service accepts new businesses")
        return min(found, key=lambda each: each.businesses).entry.name

    def _require_distinct(self, db: Connection, name: DatabaseName) -> None:
        """Refuse a database that is registered under another name: a business would have two owners in it."""
        identity = _identity(db)
        for other in self._databases().names:
            with self._databases().at(other).connect() as known:
                if other != name and _identity(known) == identity:
                    raise DatabaseRefused(name, f"it is the {other} database")

    def _set_state(self, name: DatabaseName, state: registry.State, actor: str, reason: str) -> None:
        before = self.require(name).state
        if before == state:
            return
        with self._control_db.transaction():
            registry.set_state(self._control_db, name, state)
            self._audit(f"database.{state}", name, actor, before, state, reason)

    def _audit(
        self, action: str, name: DatabaseName, actor: str, before: str | None, after: str | None, reason: str
    ) -> None:
        append_audit(
            self._control_db,
            actor=actor,
            action=action,
            subject=f"database:{name}",
            before=before,
            after=after,
            reason=reason or action,
        )

    @property
    def _control_db(self) -> Connection:
        return self._cutovers.controller.control_db


def _require_same_version(db: Connection, first: Connection, name: DatabaseName) -> None:
    version, expected = schema_version(db), schema_version(first)
    if version != expected:
        raise DatabaseRefused(name, f"schema scheduling has version {version} there, and {expected} in scheduling")


def _require_no_businesses(db: Connection, name: DatabaseName) -> None:
    row = db.execute("SELECT count(*) FROM scheduling.lease WHERE active").fetchone()
    if row != (0,):
        raise DatabaseRefused(name, "it owns businesses already, which the record does not know")


def _identity(db: Connection) -> tuple[Any, ...] | None:
    """Return what tells this database from every other one."""
    return db.execute(
        """
        SELECT c.system_identifier, d.oid FROM pg_control_system() AS c, pg_database d
         WHERE d.datname = current_database()
        """
    ).fetchone()
