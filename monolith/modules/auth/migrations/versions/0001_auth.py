"""Businesses, accounts, memberships, sessions, API tokens, sign-ups in progress, throttles."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BUSINESS = """
CREATE TABLE auth.business (
    business_id uuid PRIMARY KEY,
    slug        text NOT NULL CONSTRAINT business_slug UNIQUE CHECK (slug ~ '^[a-z0-9-]{3,40}$'),
    name        text NOT NULL,
    zone        text NOT NULL,
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    state       text NOT NULL CHECK (state IN ('opening', 'open')),
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX business_opening ON auth.business (created_at) WHERE state = 'opening';
"""

_ACCOUNT = """
CREATE TABLE auth.account (
    user_id       uuid PRIMARY KEY,
    email         text NOT NULL CONSTRAINT account_email UNIQUE CHECK (email = lower(email)),
    name          text NOT NULL,
    password_hash text NOT NULL,
    is_operator   boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE auth.membership (
    business_id uuid NOT NULL REFERENCES auth.business,
    user_id     uuid NOT NULL REFERENCES auth.account,
    role        text NOT NULL CHECK (role IN ('owner', 'staff', 'customer')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (business_id, user_id)
);
CREATE INDEX membership_of_user ON auth.membership (user_id);
"""

_CREDENTIALS = """
CREATE TABLE auth.session (
    session_id  uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES auth.account,
    secret_hash bytea NOT NULL CONSTRAINT session_secret UNIQUE,
    began_at    timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);
CREATE INDEX session_of_user ON auth.session (user_id);
CREATE TABLE auth.api_token (
    token_id    uuid PRIMARY KEY,
    business_id uuid NOT NULL REFERENCES auth.business,
    name        text NOT NULL,
    role        text NOT NULL CHECK (role IN ('owner', 'staff')),
    secret_hash bytea NOT NULL CONSTRAINT api_token_secret UNIQUE,
    created_by  uuid NOT NULL REFERENCES auth.account,
    created_at  timestamptz NOT NULL DEFAULT now(),
    used_at     timestamptz,
    revoked_at  timestamptz
);
CREATE INDEX api_token_of_business ON auth.api_token (business_id) WHERE revoked_at IS NULL;
"""

# One timestamp per bucket and a fixed number of buckets: the table cannot be made to grow.
_SIGNING = """
CREATE TABLE auth.sign_up (
    key_hash     bytea PRIMARY KEY,
    request_hash bytea NOT NULL,
    business_id  uuid NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_up_by_age ON auth.sign_up (created_at);
CREATE TABLE auth.throttle (
    kind        text NOT NULL,
    bucket      integer NOT NULL,
    spent_until timestamptz NOT NULL,
    PRIMARY KEY (kind, bucket)
);
"""

# Businesses, accounts and tokens are never deleted, because rows of other modules refer to them.
_GRANTS = """
GRANT SELECT, INSERT, UPDATE ON auth.business, auth.account, auth.membership, auth.api_token TO auth_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.session, auth.sign_up, auth.throttle TO auth_app;
"""


def upgrade() -> None:
    for statements in (_BUSINESS, _ACCOUNT, _CREDENTIALS, _SIGNING, _GRANTS):
        op.execute(statements)
