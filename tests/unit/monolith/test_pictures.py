"""The origin of a picture goes into a header, so that nothing else may be in it."""

import pytest

from monolith.web.pictures import origin_of


def test_origin_has_host_and_port_only() -> None:
    assert origin_of("https://cdn.example:8443/a/b.jpg?c=d#e") == "https://cdn.example:8443"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://cdn.example/a.jpg",
        "https://a;script-src *",
        "https://user@cdn.example/",
        "https://[::1",
        "https:///a",
    ],
)
def test_any_other_text_has_no_origin(url: str) -> None:
    assert origin_of(url) == ""
