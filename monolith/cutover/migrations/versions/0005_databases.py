"""The databases that can own businesses become rows, so that there may be more than two."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
# A table is added, and owners are allowed that older code never writes. That code cannot serve such an owner's
# businesses: register a database once every process runs this release.
oldest_code = "0001"

_DATABASES = """
CREATE TABLE cutover.database (
    name             text PRIMARY KEY CHECK (name ~ '^(monolith|scheduling(-([2-9]|[1-9][0-9]{1,2}))?)$'),
    state            text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'draining')),
    partner          text REFERENCES cutover.database CHECK (partner <> name),
    businesses       uuid[],
    service_url      text,
    database_url     text,
    seen_from_others text,
    secret_setting   text,
    added_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    added_by         text NOT NULL,
    CONSTRAINT database_reachable CHECK (
        name IN ('monolith', 'scheduling') OR (service_url IS NOT NULL AND database_url IS NOT NULL))
);
INSERT INTO cutover.database (name, partner, added_by)
VALUES ('monolith', 'scheduling', 'migration'), ('scheduling', 'monolith', 'migration');

COMMENT ON TABLE cutover.database IS
    'The databases that can own businesses. The addresses of the first two are settings.';
COMMENT ON COLUMN cutover.database.state IS 'active, or draining: no new business is opened in it.';
COMMENT ON COLUMN cutover.database.partner IS
    'The other database of the pair with which it replicates, or would; mutual, so a database is in one pair at most.';
COMMENT ON COLUMN cutover.database.businesses IS
    'The businesses that the pair replicates; null: every one that either database owns.';
COMMENT ON COLUMN cutover.database.service_url IS 'The scheduling service that serves this database.';
COMMENT ON COLUMN cutover.database.database_url IS
    'The database past any pooler, without credentials, as the control plane reaches it.';
COMMENT ON COLUMN cutover.database.seen_from_others IS
    'host:port at which the servers of other databases reach this one, if it differs.';
COMMENT ON COLUMN cutover.database.secret_setting IS
    'The setting with the secret of its roles; null: SCHEDULING_DATABASE_ROLE_SECRET.';

CREATE FUNCTION cutover.announce_database() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('routes', 'database ' || NEW.name);
    RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT OR UPDATE ON cutover.database
    FOR EACH ROW EXECUTE FUNCTION cutover.announce_database();

GRANT SELECT, INSERT ON cutover.database TO cutover_controller;
GRANT UPDATE (state, partner, businesses) ON cutover.database TO cutover_controller;
GRANT SELECT ON cutover.database TO cutover_app;
"""

_REFERENCES = """
ALTER TABLE cutover.ownership
    DROP CONSTRAINT ownership_owner_known,
    ADD CONSTRAINT ownership_owner_registered FOREIGN KEY (owner) REFERENCES cutover.database;
ALTER TABLE cutover.cutover
    DROP CONSTRAINT cutover_source_known,
    DROP CONSTRAINT cutover_target_known,
    ADD CONSTRAINT cutover_source_registered FOREIGN KEY (source) REFERENCES cutover.database,
    ADD CONSTRAINT cutover_target_registered FOREIGN KEY (target) REFERENCES cutover.database,
    ADD CONSTRAINT cutover_moves CHECK (target <> source);
ALTER TABLE cutover.rollback_policy
    DROP CONSTRAINT guard_home_known,
    ADD CONSTRAINT rollback_policy_home_registered FOREIGN KEY (home) REFERENCES cutover.database;
ALTER TABLE cutover.server
    DROP CONSTRAINT server_name_check,
    ADD CONSTRAINT server_name_registered FOREIGN KEY (name) REFERENCES cutover.database;
CREATE INDEX ownership_by_owner ON cutover.ownership (owner);
"""


def upgrade() -> None:
    op.execute(_DATABASES)
    op.execute(_REFERENCES)
