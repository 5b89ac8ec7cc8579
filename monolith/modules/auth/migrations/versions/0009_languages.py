"""The languages of businesses, accounts and guests."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
# As before: older code ignores the new columns, which have defaults or may be empty.
oldest_code = "0002"

_BUSINESS = """
ALTER TABLE auth.business
    ADD COLUMN language text NOT NULL DEFAULT 'en' CHECK (language ~ '^[a-z]{2}$');
COMMENT ON COLUMN auth.business.language IS 'Of its pages and mails for people whose own language is not known.';
DROP TRIGGER announce ON auth.business;
CREATE TRIGGER announce
    AFTER DELETE OR UPDATE OF business_id, slug, name, zone, currency, email, phone, address, opening_hours,
                              picture_url, description, fixed_zone, embedding_sites, language, closed_at
    ON auth.business
    FOR EACH ROW EXECUTE FUNCTION auth.announce();
"""

_PEOPLE = """
ALTER TABLE auth.account ADD COLUMN language text CHECK (language ~ '^[a-z]{2}$');
ALTER TABLE auth.customer ADD COLUMN language text CHECK (language ~ '^[a-z]{2}$');
COMMENT ON COLUMN auth.account.language IS 'NULL until the user has chosen one.';
COMMENT ON COLUMN auth.customer.language IS 'In which a guest has booked; NULL for that of the business.';
"""


def upgrade() -> None:
    op.execute(_BUSINESS)
    op.execute(_PEOPLE)
