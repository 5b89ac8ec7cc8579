"""A transaction may act for several businesses, and a series may advance by several numbers at once."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("price", "invoice", "invoice_line", "credit_note", "payment", "number_series")

# Numbers stay without a gap: at COMMIT every number by which the series advanced has its document.
_SERIES = """
CREATE OR REPLACE FUNCTION billing.next_by_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last_number <= (CASE WHEN TG_OP = 'INSERT' THEN 0 ELSE OLD.last_number END) THEN
        RAISE EXCEPTION 'the numbers of a series only grow' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION billing.number_is_used() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before bigint := CASE WHEN TG_OP = 'INSERT' THEN 0 ELSE OLD.last_number END;
    issued bigint;
BEGIN
    IF NEW.document = 'invoice' THEN
        SELECT count(*) INTO issued FROM billing.invoice
         WHERE business_id = NEW.business_id AND number > before AND number <= NEW.last_number;
    ELSE
        SELECT count(*) INTO issued FROM billing.credit_note
         WHERE business_id = NEW.business_id AND number > before AND number <= NEW.last_number;
    END IF;
    IF issued <> NEW.last_number - before THEN
        RAISE EXCEPTION '% numbers % to % were taken with % documents',
            NEW.document, before + 1, NEW.last_number, issued USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""


def upgrade() -> None:
    op.execute(_SERIES)
    for table in _TABLES:
        op.execute(f"""
            ALTER POLICY tenant ON billing.{table} USING (business_id = ANY
                (string_to_array(NULLIF(current_setting('app.business_id', true), ''), ',')::uuid[]))
        """)
