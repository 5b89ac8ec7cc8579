"""Rate limits on password attempts, new accounts and mails, with bounded state.

Each subject (an account or an IP address) has an allowance that attempts consume and time restores. Subjects are hashed
into a fixed number of buckets, so that the table cannot be made to grow.
"""

import hashlib

from sqlalchemy import Connection

from monolith.modules.auth.repository import throttles
from monolith.shared.database import ModuleDatabase
from monolith.shared.rate_limits import Attempt, Limit, too_many

BUCKETS = 1 << 16

PASSWORD_OF_ACCOUNT = Limit("password of account", burst=10, seconds=20)
PASSWORD_FROM_ADDRESS = Limit("password from address", burst=50, seconds=2)
"""Generous, because many users may share an IP address; successful attempts do not count."""

PASSWORD_FROM_DEVICE = Limit("password from device", burst=10, seconds=20)
"""For devices on which the account has signed in before; they are not subject to the limits above."""

NEW_ACCOUNT_FROM_ADDRESS = Limit("new account from address", burst=200, seconds=2)
NEW_CUSTOMER_OF_BUSINESS = Limit("new customer of business", burst=500, seconds=0.2)
"""Sign-ups hash passwords; a flood of them at one business should not slow down the sign-ins of the others."""

SIGN_UP_WITH_EMAIL = Limit("sign-up with e-mail", burst=10, seconds=20)
"""Never refunded: a limit that depended on the outcome would reveal whether the address has an account."""

MAIL_TO_ADDRESS = Limit("mail to address", burst=5, seconds=300)
"""Mails of one kind that strangers can request for an address, such as to reset a password, and invitations.

Only mails that are sent count.
"""

CHANGE_OF_PASSWORD = Limit("change of password", burst=5, seconds=300)
"""Each makes the links for a new password invalid: a thief who knows the password must not keep the owner from one."""

CHANGE_OF_EMAIL = Limit("change of e-mail", burst=5, seconds=300)
INVITATION_OF_BUSINESS = Limit("invitation of business", burst=100, seconds=60)
INVITATION_OF_ACCOUNT = Limit("invitation of account", burst=100, seconds=60)
"""Each sends a mail to an address of the caller's choice; the limits above apply to one address only.

Both count, because an account can open any number of businesses.
"""

GUEST_WITH_EMAIL = Limit("guest with e-mail", burst=20, seconds=180)
"""Bookings and moves that send mails to a guest, at an address that nobody has confirmed."""

GUEST_OF_BUSINESS = Limit("guest of business", burst=500, seconds=60)
"""E-mail addresses that staff add or change, all of which can be mailed. An import may bring hundreds at once."""

LOST_LINK_FROM_ADDRESS = Limit("lost link from address", burst=20, seconds=30)

RESET_FROM_ADDRESS = Limit("reset from address", burst=20, seconds=30)


class Throttle:
    """Charges attempts before they are made, so that concurrent attempts cannot bypass the limit."""

    def __init__(self, database: ModuleDatabase) -> None:
        self._database = database

    def charge(self, *attempts: Attempt, count: int = 1) -> None:
        """Charge the attempts. Raises ApiError 429, charging nothing, if one of the allowances is exhausted.

        Each is charged `count` times at once, which may exceed what is left of its allowance, as in `Buckets.charge`.
        Pass an address before an account: the fixed order prevents deadlocks.
        """
        with self._database.transaction() as connection:
            self.charge_within(connection, *attempts, count=count)

    def charge_within(self, connection: Connection, *attempts: Attempt, count: int = 1) -> None:
        """Like `charge`, in the caller's transaction, which has to be rolled back after the error."""
        for limit, subject in attempts:
            wait = throttles.charge(
                connection, limit.kind, _bucket(subject), cost=limit.cost * count, allowance=limit.allowance
            )
            if wait is not None:
                raise too_many(wait)

    def refund(self, connection: Connection, *attempts: Attempt) -> None:
        """Refund attempts that succeeded, in the order in which they were charged."""
        for limit, subject in attempts:
            throttles.refund(connection, limit.kind, _bucket(subject), limit.cost)


def mailbox_of(email: str) -> str:
    """Return the address without its tag after `+`: mails to all tags of an address arrive in one mailbox."""
    local, _, domain = email.partition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _bucket(subject: str) -> int:
    return int.from_bytes(hashlib.sha256(subject.encode()).digest()[:4]) % BUCKETS
