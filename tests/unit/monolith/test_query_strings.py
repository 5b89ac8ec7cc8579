"""Query strings are parsed like the standard library does, except for refused input."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.view import single_values

PIECES = st.sampled_from(["a", "b", "=", "&", "%", "%3A", "%C3%A9", "%ff", "+", "é", " ", ";", "?", "#", "%0a"])


@given(st.lists(PIECES, max_size=20).map("".join))
def test_query_is_parsed_like_the_standard_library(text: str) -> None:
    pairs = parse_qsl(text, keep_blank_values=True)
    if len({name for name, _ in pairs}) < len(pairs):
        with pytest.raises(ApiError, match="is repeated"):
            single_values(text)
    else:
        assert single_values(text) == dict(pairs)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=5))
def test_encoded_query_round_trip(fields: dict[str, str]) -> None:
    assert single_values(urlencode(fields)) == fields


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(ApiError, match="too many parameters"):
        single_values("&".join(f"f{n}=1" for n in range(51)))
