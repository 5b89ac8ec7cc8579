"""Each step of `deploy/docs/the-way` applies to the one before it and passes its own tests."""

import re
from pathlib import Path

import pytest

from tests.servers import Servers
from tests.the_way import PATCHES, WAY, build, run_tests


@pytest.mark.parametrize("step", range(len(PATCHES) + 1))
def test_a_step_applies_and_passes_its_tests(step: int, servers: Servers, tmp_path: Path) -> None:
    build(step, tmp_path / "shop")
    ended = run_tests(tmp_path / "shop", servers.monolith_template_url)
    assert ended.returncode == 0, ended.stdout
    (passed,) = re.findall(r"^(\d+) passed", ended.stdout, re.MULTILINE)
    assert int(passed) >= 4


def test_the_page_describes_each_step_in_order() -> None:
    described = re.findall(r"^## \d\. .+\n\n\[`(.+?)/?`\]", (WAY / "README.md").read_text(), re.MULTILINE)
    assert described == ["0-tangled", *(patch.name for patch in PATCHES)]
