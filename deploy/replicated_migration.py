"""Migrate schema scheduling in both databases while it is replicated and in use."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from contracts.scheduling.values import DatabaseName
from deploy.databases.additive import rehearse
from deploy.databases.migrate import current_version, is_migrated, open_connection
from deploy.databases.schemas import SCHEDULING, Schema, Target
from deploy.databases.set_up import set_up
from deploy.errors import CommandError
from monolith.cutover.databases import DatabasePair
from monolith.cutover.replication.canary import CanaryLost, send_canary
from monolith.cutover.replication.evolution import publish_common_columns, publish_everything, require_evolvable

Say = Callable[[str], None]
_ORDER: tuple[DatabaseName, DatabaseName] = ("scheduling", "monolith")


def migrate_replicated(
    targets: Mapping[DatabaseName, Target],
    pair: DatabasePair,
    unsettled: int,
    say: Say,
    schema: Schema = SCHEDULING,
) -> None:
    """Migrate the schema in both databases to the newest version while replication runs.

    Only additive migrations: others are refused before anything changes. Repeated after a crash, it continues.
    `targets` have an administrator's credentials; `unsettled` is the number of cutovers in progress. Raises
    CommandError and ReplicationRefused.
    """
    versions = {name: _version(targets[name], schema) for name in _ORDER}
    resumed = len(set(versions.values())) > 1
    require_evolvable(pair, resumed=resumed)
    if unsettled:
        raise CommandError("a cutover is in progress: wait until `extraction cutover status` shows none, then repeat")
    pending = [name for name in _ORDER if not _is_newest(targets[name], schema)]
    if pending:
        oldest = min(pending, key=lambda name: versions[name])
        if _require_additive(targets[oldest], schema):
            publish_common_columns(pair)
        for name in pending:
            say(f"migrating schema {schema.name} of the {name} database from version {versions[name]}")
            set_up(replace(targets[name], schemas=(schema,)), while_replicating=True)
    publish_everything(pair)
    try:
        took = send_canary(pair, "monolith")
    except CanaryLost as error:
        raise CommandError(
            f"both databases are migrated, but replication does not flow ({error}): see `extraction replicate status`"
        ) from error
    say(f"both databases have the same version and publish every column; a row took {took.there_ms:.0f} ms there")


def _require_additive(target: Target, schema: Schema) -> bool:
    """Return whether a replicated table changes. Raises CommandError for a change that is not additive."""
    unsafe, alters_tables = rehearse(target, schema)
    if unsafe:
        raise CommandError(
            f"the pending migrations are not safe while replicating ({'; '.join(unsafe)}): end replication with "
            "`extraction replicate stop`, run `extraction db setup` for both databases, and start it again with "
            "`extraction replicate start --discard-copies`; nothing was changed"
        )
    return alters_tables


def _version(target: Target, schema: Schema) -> str:
    with open_connection(target.url) as connection:
        return current_version(connection, schema)


def _is_newest(target: Target, schema: Schema) -> bool:
    with open_connection(target.url) as connection:
        return is_migrated(connection, schema)
