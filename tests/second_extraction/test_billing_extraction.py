"""A second extraction with the parts of the first: billing moves to a service of its own and back while in use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.sql import Identifier

from contracts.scheduling.errors import NotOwner
from contracts.scheduling.values import DatabaseName
from deploy.devstack.keys import Keys, load_keys
from monolith.cutover.controller import Controller
from monolith.cutover.extracted_module import ExtractedModule
from monolith.cutover.store import ownership
from monolith.modules.billing.api import BillingApi
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from monolith.shared.database import ModuleDatabase
from scheduling_service.engine import lease as leases
from scheduling_service.engine.lease import Lease
from tests.databases import Databases
from tests.polling import eventually
from tests.second_extraction.billing_checks import BillingChecks
from tests.second_extraction.billing_databases import (
    BILLING,
    MONOLITH,
    BillingDatabases,
    billing_databases,
    ownership_routes,
)
from tests.second_extraction.billing_port import Billing
from tests.second_extraction.billing_process import billing_process
from tests.second_extraction.charged_business import ChargedBusiness, writing
from tests.second_extraction.in_process_billing import InProcessBilling

ModuleDatabases = dict[DatabaseName, ModuleDatabase]
SCHEMA = Identifier("billing")
MODULE = ExtractedModule(SCHEMA, follow_owner=lambda control_db, cutover: None)
"""Billing has no flag that requests an adapter: an operator begins a cutover."""


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return load_keys(tmp_path / "keys.json")


@pytest.fixture
def pair(databases: Databases) -> Iterator[BillingDatabases]:
    with billing_databases(databases) as pair:
        yield pair


@pytest.fixture
def modules(pair: BillingDatabases) -> Iterator[ModuleDatabases]:
    """Both databases as billing's own code uses them."""
    databases = {name: pair.module_database(name) for name in (MONOLITH, BILLING)}
    yield databases
    for database in databases.values():
        database.close()


@pytest.fixture
def business(pair: BillingDatabases, modules: ModuleDatabases) -> ChargedBusiness:
    """A business whose invoices the monolith's database owns, with a price."""
    business = ChargedBusiness()
    with ownership_routes(pair) as (database, _), database.transaction() as connection:
        ownership.claim(connection, business.business_id, MONOLITH)
    with pair.at(MONOLITH).connect() as db:
        leases.activate(db, business.business_id, epoch=1, attempt=0, schema=SCHEMA)
    business.set_price(InProcessBilling(modules[MONOLITH]))
    return business


def move(pair: BillingDatabases, business: ChargedBusiness, *owners: str) -> None:
    """Move the business to each of these owners in turn."""
    with Controller(pair, BillingChecks(), MODULE) as controller:
        for target in owners:
            source, to = (MONOLITH, BILLING) if target == "billing" else (BILLING, MONOLITH)
            moved = controller.cut_over(
                business.business_id, source, to, fence_seconds=5.0, actor="test", reason="example"
            )
            assert (moved.state, moved.problem) == ("active", None)


def test_the_ledger_is_complete_after_moves_under_load(
    pair: BillingDatabases, modules: ModuleDatabases, business: ChargedBusiness, keys: Keys, tmp_path: Path
) -> None:
    with billing_process(pair, keys, tmp_path) as url, ownership_routes(pair) as (_, routes):
        http = HttpScheduling(url, signer_from(keys.signing_key))
        billing = Billing(SwitchedScheduling({MONOLITH: InProcessBilling(modules[MONOLITH]), BILLING: http}, routes))
        with writing(billing, business, threads=2) as ledger:
            ledger.wait_for(5)
            move(pair, business, "billing")
            ledger.wait_for(5)
            move(pair, business, "monolith", "billing")
            ledger.wait_for(5)
        ledger.check(billing, business)
        http.close()

    def balance(name: DatabaseName) -> tuple[int, int]:
        (found,) = BillingApi(modules[name]).trial_balance(business.business_id)
        return found.difference_minor, found.cash_minor

    assert balance(BILLING) == (0, ledger.paid_minor)
    eventually(lambda: balance(MONOLITH) == (0, ledger.paid_minor), "the replication of the last payments")


def test_exactly_one_database_may_write_after_a_move(
    pair: BillingDatabases, modules: ModuleDatabases, business: ChargedBusiness
) -> None:
    move(pair, business, "billing")
    with pair.at(MONOLITH).connect() as former, pair.at(BILLING).connect() as owner:
        held = [leases.read_lease(db, business.business_id, schema=SCHEMA) for db in (former, owner)]
    assert held == [Lease(active=False, epoch=1, attempt=1), Lease(active=True, epoch=2, attempt=1)]
    business.charge(InProcessBilling(modules[BILLING]))
    with pytest.raises(NotOwner):
        business.charge(InProcessBilling(modules[MONOLITH]))


def test_a_refused_move_changes_no_owner(
    pair: BillingDatabases, modules: ModuleDatabases, business: ChargedBusiness
) -> None:
    with pair.at(BILLING).connect() as db, Controller(pair, BillingChecks(), MODULE) as controller:
        db.execute("ALTER TABLE billing.price ADD COLUMN note text")
        refused = controller.cut_over(
            business.business_id, MONOLITH, BILLING, fence_seconds=5.0, actor="test", reason="example"
        )
        db.execute("ALTER TABLE billing.price DROP COLUMN note")
    assert (refused.state, refused.problem) == ("aborted", "the schema billing differs between the databases")
    business.charge(InProcessBilling(modules[MONOLITH]))
