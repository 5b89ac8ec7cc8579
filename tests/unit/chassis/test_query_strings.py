"""Query strings are parsed like the standard library does, except for refused input."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.chassis.decoding import InvalidInput, parse_query

PIECES = st.sampled_from(["a", "b", "=", "&", "%", "%3A", "%C3%A9", "%ff", "+", "é", " ", ";", "?", "#", "%0a"])


@given(st.lists(PIECES, max_size=20).map("".join))
def test_query_is_parsed_like_the_standard_library(text: str) -> None:
    pairs = parse_qsl(text, keep_blank_values=True)
    if len({name for name, _ in pairs}) < len(pairs):
        with pytest.raises(InvalidInput, match="is repeated"):
            parse_query(text)
    else:
        assert parse_query(text) == dict(pairs)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=5))
def test_encoded_query_round_trip(fields: dict[str, str]) -> None:
    assert parse_query(urlencode(fields)) == fields


def test_a_list_may_be_repeated() -> None:
    assert parse_query("a=1&b=2&a=3&a=4%2C5", frozenset({"a"})) == {"a": "1,3,4,5", "b": "2"}


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(InvalidInput, match="too many parameters"):
        parse_query("&".join(f"f{n}=1" for n in range(51)))
