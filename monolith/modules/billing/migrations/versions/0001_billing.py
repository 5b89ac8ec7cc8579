"""Prices, documents, the triggers that check them, and the tables of the event consumer."""

from alembic import op

from monolith.shared.events import create_consumer_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE billing.price (
    business_id  uuid NOT NULL,
    price_id     uuid NOT NULL,
    offering_id  uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    valid_from   timestamptz NOT NULL DEFAULT clock_timestamp(),
    set_by       uuid NOT NULL,
    PRIMARY KEY (business_id, price_id)
);
CREATE INDEX price_in_force ON billing.price (business_id, offering_id, valid_from, price_id);
COMMENT ON TABLE billing.price IS 'Append-only: the newest row at an instant is the price at that instant.';

CREATE TABLE billing.number_series (
    business_id uuid NOT NULL,
    document    text NOT NULL CHECK (document IN ('invoice', 'credit_note')),
    last_number bigint NOT NULL CHECK (last_number >= 1),
    PRIMARY KEY (business_id, document)
);

CREATE TABLE billing.invoice (
    business_id    uuid NOT NULL,
    number         bigint NOT NULL CHECK (number >= 1),
    appointment_id uuid NOT NULL,
    customer_id    uuid NOT NULL,
    currency       text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total_minor    bigint NOT NULL CHECK (total_minor > 0),
    issued_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (business_id, number),
    CONSTRAINT invoice_of_appointment UNIQUE (business_id, appointment_id),
    CONSTRAINT invoice_total UNIQUE (business_id, number, currency, total_minor)
);
CREATE INDEX invoice_by_customer ON billing.invoice (business_id, customer_id, number);

CREATE TABLE billing.invoice_line (
    business_id    uuid NOT NULL,
    invoice_number bigint NOT NULL,
    position       smallint NOT NULL CHECK (position >= 1),
    description    text NOT NULL,
    offering_id    uuid NOT NULL,
    amount_minor   bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (business_id, invoice_number, position),
    FOREIGN KEY (business_id, invoice_number) REFERENCES billing.invoice (business_id, number)
);

CREATE TABLE billing.credit_note (
    business_id    uuid NOT NULL,
    number         bigint NOT NULL CHECK (number >= 1),
    invoice_number bigint NOT NULL,
    currency       text NOT NULL,
    amount_minor   bigint NOT NULL,
    issued_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (business_id, number),
    CONSTRAINT credit_note_of_invoice UNIQUE (business_id, invoice_number),
    CONSTRAINT credit_note_whole_invoice FOREIGN KEY (business_id, invoice_number, currency, amount_minor)
        REFERENCES billing.invoice (business_id, number, currency, total_minor)
);

CREATE TABLE billing.payment (
    business_id     uuid NOT NULL,
    payment_id      uuid NOT NULL,
    invoice_number  bigint NOT NULL,
    amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
    note            text NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by     uuid NOT NULL,
    idempotency_key text NOT NULL,
    request_hash    bytea NOT NULL,
    PRIMARY KEY (business_id, payment_id),
    CONSTRAINT payment_once UNIQUE (business_id, recorded_by, idempotency_key),
    FOREIGN KEY (business_id, invoice_number) REFERENCES billing.invoice (business_id, number)
);
CREATE INDEX payment_of_invoice ON billing.payment (business_id, invoice_number, payment_id);
"""

# Numbers have no gaps: a series grows by one, and at COMMIT the document with that number must exist.
_GAPLESS = """
CREATE FUNCTION billing.next_by_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last_number <> (CASE WHEN TG_OP = 'INSERT' THEN 1 ELSE OLD.last_number + 1 END) THEN
        RAISE EXCEPTION 'numbers of a series follow each other' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER next_by_one BEFORE INSERT OR UPDATE ON billing.number_series
    FOR EACH ROW EXECUTE FUNCTION billing.next_by_one();

CREATE FUNCTION billing.number_is_used() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM billing.invoice
            WHERE NEW.document = 'invoice' AND business_id = NEW.business_id AND number = NEW.last_number)
        AND NOT EXISTS (SELECT FROM billing.credit_note
            WHERE NEW.document = 'credit_note' AND business_id = NEW.business_id AND number = NEW.last_number) THEN
        RAISE EXCEPTION '% number % was taken without a document', NEW.document, NEW.last_number
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER number_is_used AFTER INSERT OR UPDATE ON billing.number_series
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing.number_is_used();
"""

_SUMS = """
CREATE FUNCTION billing.lines_make_total() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    which bigint := (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
BEGIN
    IF (SELECT total_minor FROM billing.invoice WHERE business_id = NEW.business_id AND number = which)
        IS DISTINCT FROM (SELECT sum(amount_minor) FROM billing.invoice_line
            WHERE business_id = NEW.business_id AND invoice_number = which) THEN
        RAISE EXCEPTION 'the lines of invoice % do not make its total', which USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER lines_make_total AFTER INSERT ON billing.invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing.lines_make_total('number');
CREATE CONSTRAINT TRIGGER lines_make_total AFTER INSERT ON billing.invoice_line
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing.lines_make_total('invoice_number');

CREATE FUNCTION billing.lock_invoice(business uuid, number bigint) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(format('billing.invoice %s %s', business, number), 0));
$$;
COMMENT ON FUNCTION billing.lock_invoice IS
    'Serializes credits and payments of an invoice. No role may update invoices, so a row lock is not possible.';

CREATE FUNCTION billing.payment_within_due() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    due bigint;
BEGIN
    PERFORM billing.lock_invoice(NEW.business_id, NEW.invoice_number);
    SELECT i.total_minor
        - coalesce((SELECT sum(c.amount_minor) FROM billing.credit_note c
            WHERE c.business_id = i.business_id AND c.invoice_number = i.number), 0)
        - coalesce((SELECT sum(p.amount_minor) FROM billing.payment p
            WHERE p.business_id = i.business_id AND p.invoice_number = i.number), 0)
    INTO due FROM billing.invoice i WHERE i.business_id = NEW.business_id AND i.number = NEW.invoice_number;
    IF NEW.amount_minor > due THEN
        RAISE EXCEPTION 'a payment of % exceeds the % that are due', NEW.amount_minor, due
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_within_due';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_within_due BEFORE INSERT ON billing.payment
    FOR EACH ROW EXECUTE FUNCTION billing.payment_within_due();
"""

_IMMUTABLE = """
CREATE FUNCTION billing.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""

_ACCESS = """
GRANT SELECT ON billing.price TO billing_app;
-- Not valid_from: a price holds from the moment it is set, by the database's clock.
GRANT INSERT (business_id, price_id, offering_id, amount_minor, currency, set_by) ON billing.price TO billing_app;
GRANT SELECT, INSERT ON billing.number_series TO billing_app;
GRANT UPDATE (last_number) ON billing.number_series TO billing_app;
GRANT SELECT, INSERT ON billing.invoice, billing.invoice_line, billing.credit_note, billing.payment TO billing_app;
"""

_APPEND_ONLY = ("price", "invoice", "invoice_line", "credit_note", "payment")


def upgrade() -> None:
    for statements in (_TABLES, _GAPLESS, _SUMS, _IMMUTABLE, _ACCESS):
        op.execute(statements)
    for table in _APPEND_ONLY:
        op.execute(f"""
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.{table}
                FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change();
        """)
    for table in (*_APPEND_ONLY, "number_series"):
        op.execute(f"""
            ALTER TABLE billing.{table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE billing.{table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY tenant ON billing.{table}
                USING (business_id = NULLIF(current_setting('app.business_id', true), '')::uuid);
        """)
    create_consumer_tables(op, "billing", "billing_app")
