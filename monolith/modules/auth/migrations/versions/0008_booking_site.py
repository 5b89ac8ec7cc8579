"""What the booking site needs of businesses and customers, and mails with a lost link."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
# As before: older code ignores the new columns, which have defaults.
oldest_code = "0002"

_BUSINESS = """
ALTER TABLE auth.business
    ADD COLUMN fixed_zone      boolean NOT NULL DEFAULT false,
    ADD COLUMN embedding_sites text NOT NULL DEFAULT '';
COMMENT ON COLUMN auth.business.fixed_zone IS 'Visitors see the times of the business, such as for services on site.';
COMMENT ON COLUMN auth.business.embedding_sites IS 'The origins whose pages may show the booking site in a frame.';
DROP TRIGGER announce ON auth.business;
CREATE TRIGGER announce
    AFTER DELETE OR UPDATE OF business_id, slug, name, zone, currency, email, phone, address, opening_hours,
                              picture_url, description, fixed_zone, embedding_sites, closed_at ON auth.business
    FOR EACH ROW EXECUTE FUNCTION auth.announce();
"""

_CUSTOMERS = """
CREATE INDEX customer_by_email ON auth.customer (business_id, email) WHERE email IS NOT NULL;
ALTER TABLE auth.mail ADD COLUMN reference text;
COMMENT ON COLUMN auth.mail.reference IS 'The appointment whose link was lost, as the requester typed it.';
"""


def upgrade() -> None:
    op.execute(_BUSINESS)
    op.execute(_CUSTOMERS)
