"""Each alert has a runbook with the same sections, and the commands of the runbooks work."""

import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.databases import Databases
from tests.deploy.monitoring import PAGES, RUNBOOKS, alerts, blocks
from tests.servers import ROOT

SECTIONS = ["Symptom", "Meaning", "Check", "Act", "Undo"]


def name_of(page: Path) -> str:
    return page.stem


def test_each_alert_names_its_runbook_and_each_runbook_has_an_alert() -> None:
    for alert in alerts():
        assert alert["annotations"]["runbook"] == f"deploy/runbooks/{alert['alert']}.md"
        assert alert["labels"]["severity"] in ("page", "ticket"), alert["alert"]
    assert {alert["alert"] for alert in alerts()} == {page.stem for page in PAGES}
    listed = re.findall(r"^\| \[(\w+)\]\(\1\.md\) \|", (RUNBOOKS / "README.md").read_text(), re.MULTILINE)
    assert listed == [page.stem for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_runbook_has_all_sections_and_something_to_check(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert all(len(section.strip()) > 10 for section in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:])
    assert re.search(r"^```(sh|sql|promql)$", text.partition("## Check")[2].partition("## Act")[0], re.MULTILINE)


def test_shell_commands_are_complete_and_name_processes_that_exist() -> None:
    code = "\n".join(block for page in PAGES for block in blocks(page, "sh"))
    parsed = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True)
    assert (parsed.returncode, parsed.stderr) == (0, "")
    programs = {line.split()[0] for line in code.splitlines()}
    assert programs == {"curl", "extraction", "journalctl", "redis-cli", "systemctl"}
    units = set(re.findall(r"\bextraction-[\w-]+", code))
    assert {unit for unit in units if not (ROOT / f"deploy/systemd/{unit}.service").exists()} == set()


def test_searched_log_messages_exist_in_the_code() -> None:
    code = "".join(
        path.read_text()
        for package in ("contracts", "scheduling_service", "monolith")
        for path in (ROOT / package).rglob("*.py")
    )
    searched = {text for page in PAGES for block in blocks(page, "sh") for text in re.findall(r"grep '([^']+)'", block)}
    described = {'"level":"error"': '"level": record.levelname', "failed (1 in a row)": "failed (%d in a row)"}
    assert len(searched) > 5
    assert {text for text in searched if described.get(text, text) not in code} == set()


def test_sql_statements_run_on_the_database_that_they_name(databases: Databases) -> None:
    urls = {"monolith": databases.monolith_admin_url, "scheduling": databases.scheduling_admin_url}
    statements = [block for page in PAGES for block in blocks(page, "sql")]
    assert len(statements) > 10
    for block in statements:
        head, _, statement = block.partition("\n")
        database, _, effect = head.removeprefix("-- ").partition(", ")
        with psycopg.connect(urls[database]) as connection:
            if effect == "changes the server":
                # Parsed by the server, and not executed: the tests share it.
                statement = f"DO $do$ BEGIN IF false THEN {statement.replace('SELECT', 'PERFORM')}; END IF; END $do$"
            elif effect == "":
                connection.execute("SET TRANSACTION READ ONLY")
            else:
                assert effect == "changes data", head
            connection.execute(statement.encode())
            connection.rollback()
