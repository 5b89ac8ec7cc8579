"""Customers without an account, and the public details of a business."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
# Code of 0002 neither reads nor writes the new table and columns, which have defaults.
oldest_code = "0002"

# A guest has a name; a member of the business has a row here only for what its staff add.
_CUSTOMER = """
CREATE TABLE auth.customer (
    business_id  uuid NOT NULL REFERENCES auth.business,
    customer_id  uuid NOT NULL,
    name         text,
    email        text,
    phone        text NOT NULL DEFAULT '',
    note         text NOT NULL DEFAULT '',
    creation_key text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (business_id, customer_id),
    CONSTRAINT customer_creation_key UNIQUE (business_id, creation_key)
);
CREATE INDEX customer_by_id ON auth.customer (customer_id);
GRANT SELECT, INSERT, UPDATE ON auth.customer TO auth_app;
"""

_PROFILE = """
ALTER TABLE auth.business
    ADD COLUMN email         text NOT NULL DEFAULT '',
    ADD COLUMN phone         text NOT NULL DEFAULT '',
    ADD COLUMN address       text NOT NULL DEFAULT '',
    ADD COLUMN opening_hours text NOT NULL DEFAULT '',
    ADD COLUMN picture_url   text NOT NULL DEFAULT '',
    ADD COLUMN description   text NOT NULL DEFAULT '',
    ADD COLUMN closed_at     timestamptz;
DROP TRIGGER announce ON auth.business;
CREATE TRIGGER announce
    AFTER DELETE OR UPDATE OF business_id, slug, name, zone, currency, email, phone, address, opening_hours,
                              picture_url, description, closed_at ON auth.business
    FOR EACH ROW EXECUTE FUNCTION auth.announce();
"""


def upgrade() -> None:
    op.execute(_CUSTOMER)
    op.execute(_PROFILE)
