"""Verification of an e-mail address and a password, without revealing which addresses have an account."""

from collections.abc import Sequence
from dataclasses import dataclass

from monolith.modules.auth.devices import Devices, KnownDevice, password_mark
from monolith.modules.auth.origin import Origin
from monolith.modules.auth.passwords import Passwords
from monolith.modules.auth.repository import accounts
from monolith.modules.auth.repository.accounts import Account
from monolith.modules.auth.throttle import (
    PASSWORD_FROM_ADDRESS,
    PASSWORD_FROM_DEVICE,
    PASSWORD_OF_ACCOUNT,
    Throttle,
)
from monolith.shared.database import ModuleDatabase
from monolith.shared.rate_limits import Attempt

UNCONFIRMED_AT_SIGN_IN = 3
"""Accounts that a sign-in tries, so that a stranger's sign-up with the address locks no one out. Each costs a hash."""

UNCONFIRMED_AT_CONFIRMATION = 10
"""Accounts that a link tries. Only the owner of the mailbox has one."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The accounts of an address: the one that has confirmed it, and the newest that wait for its confirmation."""

    confirmed: Account | None
    unconfirmed: Sequence[Account]

    def is_known_on(self, device: KnownDevice) -> bool:
        """Return whether the confirmed account has signed in on the device since its password was set.

        Anyone can sign up with the address.
        """
        account = self.confirmed
        return (
            account is not None
            and account.user.user_id == device.user_id
            and password_mark(account.password_hash) == device.password_mark
        )


class PasswordCheck:
    """Verifies sign-ins. Every failure takes the same number of hashes, whatever accounts the address has."""

    def __init__(self, database: ModuleDatabase, passwords: Passwords, throttle: Throttle, devices: Devices) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._devices = devices

    def account(self, email: str, password: str) -> Account | None:
        """Return the account with this lowercase address and this password, without a limit on attempts."""
        return self._matching(self._candidates(email), password, reserved=False)

    def limited_account(self, email: str, password: str, origin: Origin) -> tuple[Account | None, list[Attempt]]:
        """Like `account`, after charging the attempt. Raises ApiError 429 after too many.

        Also returns the attempts to refund if the sign-in succeeds. From a device on which the account has signed in
        before, only the attempts from this device count, and only that account is tried.
        """
        candidates = self._candidates(email)
        device = self._devices.recognize(origin.device_cookie)
        attempts = [(PASSWORD_FROM_ADDRESS, origin.address), (PASSWORD_OF_ACCOUNT, email)]
        is_known = device is not None and candidates.is_known_on(device)
        if device is not None and is_known:
            attempts = [(PASSWORD_FROM_DEVICE, device.device_id)]
            candidates = Candidates(candidates.confirmed, ())
        self._throttle.charge(*attempts)
        return self._matching(candidates, password, reserved=is_known), attempts

    def unconfirmed_account(self, email: str, password: str) -> Account | None:
        """Return the newest account with this password that waits for the confirmation of this lowercase address.

        Only for callers who have proved that they read its mail: the time reveals how many accounts there are.
        """
        with self._database.transaction() as connection:
            waiting = accounts.newest_unconfirmed(connection, email, UNCONFIRMED_AT_CONFIRMATION)
        return next((each for each in waiting if self._passwords.verify(password, each.password_hash)), None)

    def _candidates(self, email: str) -> Candidates:
        with self._database.transaction() as connection:
            unconfirmed = accounts.newest_unconfirmed(connection, email, UNCONFIRMED_AT_SIGN_IN)
            return Candidates(accounts.by_email(connection, email), unconfirmed)

    def _matching(self, candidates: Candidates, password: str, *, reserved: bool) -> Account | None:
        missing = [None] * (UNCONFIRMED_AT_SIGN_IN - len(candidates.unconfirmed))
        for account in (candidates.confirmed, *candidates.unconfirmed, *missing):
            if self._passwords.verify(password, account.password_hash if account else None, reserved=reserved):
                return account
        return None
