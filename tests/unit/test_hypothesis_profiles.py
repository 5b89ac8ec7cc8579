"""What an ordinary run tries depends on nothing but the test, and a random search tries more."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hypothesis_profiles import DETERMINISTIC, RANDOM, SEARCH_FACTOR, examples


def drawn() -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []

    @settings(settings.get_profile(DETERMINISTIC), max_examples=200)
    @given(st.integers(), st.text())
    def draw(number: int, text: str) -> None:
        found.append((number, text))

    draw()
    return found


def test_examples_do_not_depend_on_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = drawn()
    file = tmp_path / "with_constants.py"
    file.write_text(f"NUMBERS = {list(range(1_000, 1_900))}")
    spec = spec_from_file_location("with_constants", file)
    assert spec is not None
    monkeypatch.setitem(sys.modules, "with_constants", module_from_spec(spec))
    assert drawn() == before


def test_a_random_search_has_more_examples() -> None:
    loaded = settings.get_current_profile_name()
    tried = {}
    try:
        for profile in (DETERMINISTIC, RANDOM):
            settings.load_profile(profile)
            tried[profile] = examples(4).max_examples
    finally:
        settings.load_profile(loaded)
    assert tried == {DETERMINISTIC: 4, RANDOM: 4 * SEARCH_FACTOR}
