"""Forms with content that no browser sends by itself."""

from urllib.parse import quote, urlencode

import pytest
import requests

from tests.e2e.shared_demo import Product
from tests.site import PASSWORD

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ZERO = {"email": "a\0@example.com", "password": PASSWORD}


@pytest.mark.parametrize(
    "path, form",
    [
        ("/sign-in", ZERO),
        ("/b/near-salon/sign-in", ZERO),
        ("/b/near-salon/sign-up", {**ZERO, "name": "A"}),
        ("/b/near-salon/find", {"email": "a@example.com", "reference": "\0" * 8}),
        ("/sign-in", {"email\0": "a@example.com"}),
    ],
)
def test_a_zero_character_in_a_form_is_the_callers_error(product: Product, path: str, form: dict[str, str]) -> None:
    answer = requests.post(product.installation.url + path, data=urlencode(form), headers=FORM, timeout=30)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path, status",
    [("/b/near-salon/\0", 404), ("/b/\0", 404), ("/b/near-salon?day=\0", 400), ("/api/v1/businesses/\0", 404)],
)
def test_a_zero_character_in_an_address_is_the_callers_error(product: Product, path: str, status: int) -> None:
    assert requests.get(product.installation.url + quote(path, safe="/?="), timeout=30).status_code == status


@pytest.mark.parametrize("path", ["/sign-in", "/b/near-salon/find"])
def test_a_form_over_the_limit_is_answered_with_a_page_that_says_so(product: Product, path: str) -> None:
    form = {"email": "a@example.com", "password": "x" * 70_000}
    answer = requests.post(product.installation.url + path, data=urlencode(form), headers=FORM, timeout=30)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
