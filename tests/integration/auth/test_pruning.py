"""Unconfirmed accounts end after a week."""

from monolith.modules.auth.module import account_pruner
from tests.site import Client, Site


def test_unconfirmed_account_ends_after_a_week_and_its_address_is_forgotten(site: Site, owner: Client) -> None:
    old, new = site.client(), site.client()
    old.join("salon", "old@example.org")
    new.join("salon", "new@example.org")
    site.sql(
        "UPDATE auth.account SET created_at = now() - interval '7 days' WHERE unconfirmed_email = 'old@example.org'"
    )
    site.sql("UPDATE auth.account SET created_at = now() - interval '1 year' WHERE email IS NOT NULL")
    assert account_pruner(site.database).step() is False
    assert [client.get("/me").status_code for client in (old, new, owner)] == [401, 200, 200]
    assert site.client().log_in("old@example.org").status_code == 401
    assert "old@example.org" not in str(site.sql("SELECT * FROM auth.account"))
