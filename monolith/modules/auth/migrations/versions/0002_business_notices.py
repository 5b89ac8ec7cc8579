"""Notices of changed businesses, which every web process caches."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
# Code of 0001 does not depend on the notices.
oldest_code = "0001"

# Only for the columns that are cached: a sign-up sets `state`, and a notice would serialize its commit with others.
_NOTICES = """
CREATE FUNCTION auth.announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('routes', 'business ' || OLD.business_id);
    RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER DELETE OR UPDATE OF business_id, slug, name, zone, currency ON auth.business
    FOR EACH ROW EXECUTE FUNCTION auth.announce();
"""


def upgrade() -> None:
    op.execute(_NOTICES)
