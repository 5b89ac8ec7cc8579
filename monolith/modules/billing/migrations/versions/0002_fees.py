"""Fees: an invoice can be credited in part, and an appointment can have several invoices.

The defaults fit all existing documents, and those that the previous release still issues during a deployment.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SEVERAL_INVOICES = """
ALTER TABLE billing.invoice
    ADD COLUMN subject text NOT NULL DEFAULT 'appointment'
        CONSTRAINT invoice_subject CHECK (subject IN ('appointment', 'late_change')),
    ADD COLUMN appointment_version bigint NOT NULL DEFAULT 1 CHECK (appointment_version >= 1),
    DROP CONSTRAINT invoice_of_appointment;
ALTER TABLE billing.invoice
    ADD CONSTRAINT invoice_of_appointment UNIQUE (business_id, appointment_id, appointment_version);
CREATE UNIQUE INDEX invoice_of_price ON billing.invoice (business_id, appointment_id) WHERE subject = 'appointment';
COMMENT ON COLUMN billing.invoice.appointment_version IS 'The version of the appointment that the invoice charges.';
"""

_PARTIAL_CREDIT = """
ALTER TABLE billing.invoice ADD CONSTRAINT invoice_currency UNIQUE (business_id, number, currency);
ALTER TABLE billing.credit_note
    DROP CONSTRAINT credit_note_whole_invoice,
    ADD CONSTRAINT credit_note_same_currency FOREIGN KEY (business_id, invoice_number, currency)
        REFERENCES billing.invoice (business_id, number, currency),
    ADD CONSTRAINT credit_note_amount CHECK (amount_minor > 0);
ALTER TABLE billing.invoice DROP CONSTRAINT invoice_total;

CREATE FUNCTION billing.credit_within_total() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.amount_minor > (SELECT total_minor FROM billing.invoice
            WHERE business_id = NEW.business_id AND number = NEW.invoice_number) THEN
        RAISE EXCEPTION 'a credit note of % exceeds its invoice', NEW.amount_minor
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_within_total';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER credit_within_total BEFORE INSERT ON billing.credit_note
    FOR EACH ROW EXECUTE FUNCTION billing.credit_within_total();
"""


def upgrade() -> None:
    op.execute(_SEVERAL_INVOICES)
    op.execute(_PARTIAL_CREDIT)
