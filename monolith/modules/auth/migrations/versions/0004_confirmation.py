"""Addresses to confirm, mails about accounts, invitations, and where credentials were created."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
# Code of 0002 does not read accounts without an address, which only newer code creates.
oldest_code = "0002"

# `email` is an address that its owner has confirmed, so only one account has it. Any number of accounts may wait for
# the confirmation of the same address. All accounts of before count as confirmed.
_ADDRESSES = """
ALTER TABLE auth.account
    ALTER COLUMN email DROP NOT NULL,
    ADD COLUMN unconfirmed_email text CHECK (unconfirmed_email = lower(unconfirmed_email));
CREATE INDEX account_unconfirmed ON auth.account (unconfirmed_email, created_at) WHERE unconfirmed_email IS NOT NULL;
CREATE INDEX account_expiring ON auth.account (created_at) WHERE email IS NULL AND unconfirmed_email IS NOT NULL;
CREATE TABLE auth.mail_token (
    secret_hash bytea PRIMARY KEY,
    purpose     text NOT NULL CHECK (purpose IN ('confirm', 'reset')),
    user_id     uuid NOT NULL REFERENCES auth.account,
    email       text NOT NULL,
    expires_at  timestamptz NOT NULL
);
COMMENT ON COLUMN auth.mail_token.email IS 'Where the token was sent, which is all that it proves.';
CREATE INDEX mail_token_of_user ON auth.mail_token (user_id);
CREATE INDEX mail_token_by_expiry ON auth.mail_token (expires_at);
"""

# The secret of a link is created when its mail is sent, so no row ever contains one.
_MAILS = """
CREATE TABLE auth.mail (
    mail_id         uuid PRIMARY KEY,
    kind            text NOT NULL,
    email           text NOT NULL,
    subject_id      uuid,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    created_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN auth.mail.subject_id IS 'The account or the invitation that the mail is about.';
CREATE INDEX mail_due ON auth.mail (next_attempt_at);
"""

_INVITATIONS = """
CREATE TABLE auth.invitation (
    invitation_id uuid PRIMARY KEY,
    business_id   uuid NOT NULL REFERENCES auth.business,
    email         text NOT NULL CHECK (email = lower(email)),
    role          text NOT NULL CHECK (role IN ('owner', 'staff')),
    invited_by    uuid NOT NULL REFERENCES auth.account,
    secret_hash   bytea CONSTRAINT invitation_secret UNIQUE,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    CONSTRAINT invitation_address UNIQUE (business_id, email)
);
COMMENT ON COLUMN auth.invitation.secret_hash IS 'NULL until the mail is sent.';
CREATE INDEX invitation_by_expiry ON auth.invitation (expires_at);
"""

_CREDENTIALS = """
ALTER TABLE auth.session
    ADD COLUMN address text NOT NULL DEFAULT '',
    ADD COLUMN program text NOT NULL DEFAULT '';
ALTER TABLE auth.api_token
    ADD COLUMN expires_at timestamptz NOT NULL DEFAULT now() + interval '365 days',
    ADD COLUMN address    text NOT NULL DEFAULT '';
CREATE INDEX api_token_of_creator ON auth.api_token (created_by) WHERE revoked_at IS NULL;
ALTER TABLE auth.sign_up ADD COLUMN user_id uuid;
"""

_GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.mail_token, auth.mail, auth.invitation TO auth_app;
"""


def upgrade() -> None:
    for statements in (_ADDRESSES, _MAILS, _INVITATIONS, _CREDENTIALS, _GRANTS):
        op.execute(statements)
