"""No package reads or writes another package's schema: each reference in the SQL is in the package that owns it."""

import pytest

from tests.architecture.committed import PRODUCT, ROOT, committed, name_of
from tests.architecture.sql_references import SCHEMAS, Reference, created_names, read, references

OWNERS = {
    "auth": "monolith/modules/auth/",
    "billing": "monolith/modules/billing/",
    "calendars": "monolith/modules/calendars/",
    "cutover": "monolith/cutover/",
    "notifications": "monolith/modules/notifications/",
    "platform": "monolith/shared/",
    "scheduling": "scheduling_service/",
}

# Who else may name a schema (a folder or a file), and why. Tools at the edge only; the modules have no exception.
EXCEPTIONS: dict[tuple[str, str], str] = {
    (
        "monolith/cutover/",
        "platform",
    ): "its first migration takes tables over, and functions of its owner call the writers of `platform`",
    (
        "monolith/cutover/",
        "scheduling",
    ): "replicates, counts and compares rows of both databases independently of the engine",
    ("deploy/seed/", "auth"): "bulk-loads demonstration data",
    ("deploy/seed/", "scheduling"): "bulk-loads demonstration data and checks it",
    ("loadtests/bench/", "billing"): "measures when invoices follow their bookings",
    ("loadtests/bench/", "notifications"): "measures when mails follow their bookings",
    ("loadtests/bench/", "cutover"): "checks the owner of a business, from outside the product",
    ("loadtests/bench/", "scheduling"): "measures the product's SQL without the product",
    ("loadtests/harness/", "auth"): "confirms addresses of its customers, to which no mailbox belongs",
    ("loadtests/harness/", "cutover"): "waits until an owner is recorded",
    ("loadtests/harness/", "scheduling"): "compares acknowledged bookings with stored ones, from outside the product",
    ("loadtests/lab/", "billing"): "measures when invoices follow their bookings",
    ("loadtests/lab/", "notifications"): "measures when mails follow their bookings",
    ("loadtests/lab/", "scheduling"): "compares acknowledged bookings with stored ones, from outside the product",
}

FILES = read((path for path in committed() if name_of(path).startswith(PRODUCT)), ROOT)
CREATED = created_names(FILES)

VIOLATIONS = [
    ("monolith/modules/billing/repository.py", '_NAME = text("SELECT name FROM auth.account WHERE user_id = :id")'),
    ("monolith/modules/auth/repository/accounts.py", 'x = f"UPDATE billing.{table} SET amount = 0"'),
    ("scheduling_service/relay/outbox.py", 'x = "SELECT owner FROM cutover.ownership"'),
    ("scheduling_service/engine/store/claims.py", 'x = SQL("DELETE FROM {}").format(Identifier("auth", "account"))'),
    ("monolith/shared/flags/store.py", "x = select(func.scheduling.begin_write(1))"),
    ("monolith/web/pages.py", 'x = """\nSELECT 1\nFROM notifications.something_new\n"""'),
    ("scheduling_service/engine/migrations/versions/9999_x.sql", "GRANT SELECT ON auth.account TO scheduling_app;"),
]


def test_every_reference_is_in_the_package_that_owns_the_schema() -> None:
    assert [str(each) for file, source in FILES for each in foreign(file, source)] == []


def test_every_exception_is_needed() -> None:
    found = {(each.file, each.schema) for file, source in FILES for each in references(file, source, CREATED)}
    needed = {key for key in EXCEPTIONS if any(file.startswith(key[0]) and schema == key[1] for file, schema in found)}
    assert set(EXCEPTIONS) - needed == set()


def test_the_search_finds_the_tables_of_each_schema() -> None:
    assert {name.split(".")[0] for name in CREATED} <= set(SCHEMAS)
    assert {"scheduling.claim", "scheduling.begin_write", "auth.account", "billing.invoice"} <= CREATED


@pytest.mark.parametrize("file, statement", VIOLATIONS)
def test_a_planted_violation_is_found(file: str, statement: str) -> None:
    path = ROOT / file
    before = path.read_text() if path.exists() else ""
    (found,) = foreign(file, f"{before}\n{statement}\n")
    assert found.line > before.count("\n")


@pytest.mark.parametrize("text", ["scheduling.adapter", "scheduling.events", "auth.account is documented here"])
def test_other_dotted_names_are_no_references(text: str) -> None:
    source = f'"""Reads auth.account, a comment says."""\nx = {text!r}\n'
    found = list(references("monolith/x.py", source, CREATED - {"auth.account"}))
    assert found == []


def foreign(file: str, source: str) -> list[Reference]:
    """Return the references that neither ownership nor an exception allows."""
    return [
        each
        for each in references(file, source, CREATED)
        if not file.startswith(OWNERS[each.schema])
        and not any(file.startswith(where) and each.schema == schema for where, schema in EXCEPTIONS)
    ]
