"""Imports between the modules of the monolith, as the learning path shows them."""

import shutil
from pathlib import Path

from loadtests.learning.boundaries import modules, read_imports
from tests.servers import ROOT


def test_the_modules_import_each_other_by_their_api_only() -> None:
    assert {"auth", "billing", "notifications", "scheduling"} <= set(modules())
    imports = read_imports()
    assert imports
    assert [each for each in imports if not each.is_by_api] == []


def test_an_import_past_an_api_is_named_and_disappears_again(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "monolith/modules/billing", tmp_path / "billing")
    (tmp_path / "auth").mkdir()
    accounts = tmp_path / "auth" / "accounts.py"
    accounts.write_text("from monolith.modules.billing import repository\n")
    (found,) = [each for each in read_imports([tmp_path]) if not each.is_by_api]
    assert (found.file, found.imported) == (
        "monolith/modules/auth/accounts.py",
        "monolith.modules.billing.repository",
    )
    accounts.write_text("from monolith.modules.billing.api import BillingApi\n")
    assert [each.is_by_api for each in read_imports([tmp_path]) if "auth" in each.file] == [True]
