"""Private calendar feeds."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_FEED = """
CREATE TABLE calendars.feed (
    feed_id      uuid PRIMARY KEY,
    business_id  uuid NOT NULL,
    provider_id  uuid,
    detail       text NOT NULL CHECK (detail IN ('full', 'busy')),
    name         text NOT NULL,
    secret_hash  bytea NOT NULL CONSTRAINT feed_secret UNIQUE,
    created_by   uuid NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_read_at timestamptz
);
CREATE INDEX feed_by_business ON calendars.feed (business_id, created_at);
COMMENT ON COLUMN calendars.feed.provider_id IS
    'The provider whose appointments the feed shows. NULL: those of its creator, as a customer.';
GRANT SELECT, INSERT, DELETE, UPDATE (last_read_at) ON calendars.feed TO calendars_app;

ALTER TABLE calendars.feed ENABLE ROW LEVEL SECURITY;
ALTER TABLE calendars.feed FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON calendars.feed TO calendars_app
    USING (business_id = NULLIF(current_setting('app.business_id', true), '')::uuid);
-- A program that reads a feed has its secret only, and no business.
CREATE POLICY holder ON calendars.feed TO calendars_app
    USING (secret_hash = decode(current_setting('app.feed_hash', true), 'hex'));
"""


def upgrade() -> None:
    op.execute(_FEED)
