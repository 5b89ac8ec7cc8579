"""Commands that compare both databases say so when nothing is replicated."""

import pytest

from tests.command_line import CommandLine, cutover_settings
from tests.databases import Databases
from tests.site import auth_site


@pytest.fixture
def extraction(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    with auth_site(databases) as site:
        assert site.client().sign_up("salon").status_code == 201
        site.sql(
            "INSERT INTO cutover.ownership (business_id, owner, epoch) SELECT business_id, %s, 1 FROM auth.business",
            "monolith",
        )
    return CommandLine(cutover_settings(databases), monkeypatch, capsys)


def test_shadow_reads_can_be_turned_off_but_not_on(extraction: CommandLine) -> None:
    refused = extraction("shadow", "set", "10")
    assert refused.returncode == 2
    assert "nothing is replicated" in refused.stderr
    assert extraction("shadow", "set", "0").returncode == 0
    assert "no such entry" in extraction("audit").stdout, "nothing has changed"
    assert extraction("shadow", "report").stdout.startswith("scheduling.shadow = 0 %")


def test_verify_names_the_missing_replication_instead_of_missing_rows(extraction: CommandLine) -> None:
    refused = extraction("verify")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "nothing is replicated" in refused.stderr
    assert "`extraction replicate start`" in refused.stderr
