"""Recent credentials are accepted while the database is unavailable, and only then."""

import pytest

from monolith.shared.database import DatabaseUnavailable, new_id
from monolith.shared.endpoints import Principal
from monolith.shared.endpoints.stale_credentials import FallbackAuthenticator


class Accounts:
    """A fake authenticator over a dictionary; `away` simulates an unavailable database."""

    def __init__(self, **known: Principal) -> None:
        self.known = known
        self.away = False

    def by_session(self, secret: str) -> Principal | None:
        if self.away:
            raise DatabaseUnavailable("away", 1)
        return self.known.get(secret)

    by_api_token = by_session


def person(*, is_operator: bool = False) -> Principal:
    return Principal(new_id(), "user", {}, session_id=new_id(), is_operator=is_operator)


def test_recent_credential_is_accepted_during_an_outage() -> None:
    robin = person()
    accounts = Accounts(robin=robin)
    authenticator = FallbackAuthenticator(accounts)
    authenticator.by_session("robin")
    accounts.away = True

    assert authenticator.by_session("robin") == robin


def test_unknown_credential_is_not_accepted_during_an_outage() -> None:
    accounts = Accounts()
    accounts.away = True

    with pytest.raises(DatabaseUnavailable):
        FallbackAuthenticator(accounts).by_session("robin")


def test_session_secret_is_not_accepted_as_a_token() -> None:
    accounts = Accounts(robin=person())
    authenticator = FallbackAuthenticator(accounts)
    authenticator.by_session("robin")
    accounts.away = True

    with pytest.raises(DatabaseUnavailable):
        authenticator.by_api_token("robin")


def test_recent_results_expire() -> None:
    accounts = Accounts(robin=person())
    authenticator = FallbackAuthenticator(accounts, seconds=0)
    authenticator.by_session("robin")
    accounts.away = True

    with pytest.raises(DatabaseUnavailable):
        authenticator.by_session("robin")


def test_ended_session_is_dropped() -> None:
    accounts = Accounts(robin=person())
    authenticator = FallbackAuthenticator(accounts)
    authenticator.by_session("robin")
    accounts.known.clear()
    assert authenticator.by_session("robin") is None
    accounts.away = True

    with pytest.raises(DatabaseUnavailable):
        authenticator.by_session("robin")


def test_logout_holds_during_an_outage() -> None:
    robin = person()
    accounts = Accounts(robin=robin)
    authenticator = FallbackAuthenticator(accounts)
    authenticator.by_session("robin")
    assert robin.session_id is not None
    authenticator.forget(robin.session_id)
    accounts.away = True

    with pytest.raises(DatabaseUnavailable):
        authenticator.by_session("robin")


def test_operator_is_never_authenticated_from_memory() -> None:
    accounts = Accounts(root=person(is_operator=True))
    authenticator = FallbackAuthenticator(accounts)
    authenticator.by_session("root")
    accounts.away = True

    with pytest.raises(DatabaseUnavailable):
        authenticator.by_session("root")


def test_memory_is_bounded_and_keeps_the_newest_entries() -> None:
    accounts = Accounts(a=person(), b=person(), c=person())
    authenticator = FallbackAuthenticator(accounts, max_entries=2)
    for secret in "abc":
        authenticator.by_session(secret)
    accounts.away = True

    assert authenticator.by_session("c") is not None
    with pytest.raises(DatabaseUnavailable):
        authenticator.by_session("a")
