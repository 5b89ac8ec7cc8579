"""Samples from metrics pages, scraped once a second, and HTTP GET with errors that name the remedy."""

import time
from collections.abc import Callable, Mapping
from typing import Final

import requests
from prometheus_client.parser import text_string_to_metric_families

from deploy.errors import CommandError
from loadtests.evidence.window import Sample, Samples, SeriesKey

SCRAPE_SECONDS: Final = 1.0
_TIMEOUT: Final = 5.0


def scrape_pages(
    pages: Mapping[str, str | None], seconds: float, on_scrape: Callable[[float], None] = lambda _left: None
) -> Samples:
    """Scrape the pages (address to bearer token) for `seconds`; call `on_scrape` with the remaining time.

    Raises CommandError.
    """
    found: dict[SeriesKey, list[Sample]] = {}
    until = time.monotonic() + seconds
    while True:
        for number, (address, token) in enumerate(pages.items()):
            # All series of a page share one time: a series missing from the first scrape started later.
            moment = time.time()
            for key, value in scrape_page(address, token):
                labelled = SeriesKey(key.name, (*key.labels, ("page", str(number))))
                found.setdefault(labelled, []).append((moment, value))
        left = until - time.monotonic()
        if left <= 0:
            return found
        on_scrape(left)
        time.sleep(min(SCRAPE_SECONDS, left))


def scrape_page(address: str, token: str | None) -> list[tuple[SeriesKey, float]]:
    """Return the current values of a metrics page. Raises CommandError."""
    answer = http_get(address, token, {})
    if answer.status_code in (401, 403, 404):
        cause = "it may require another token" if token else "it may require a token (--token)"
        raise CommandError(
            f"{address} responded with status {answer.status_code}: {cause}, or it is not a metrics page"
        )
    if not answer.ok:
        text = " ".join(answer.text.split())[:200]
        raise CommandError(f"{address} responded with status {answer.status_code}: {text}")
    try:
        return [
            (SeriesKey(sample.name, tuple(sorted(sample.labels.items()))), float(sample.value))
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        ]
    except ValueError as error:
        raise CommandError(f"{address} is not a metrics page in Prometheus' text format: {error}") from error


def http_get(address: str, token: str | None, parameters: Mapping[str, str]) -> requests.Response:
    """Return the response, with any status. Raises CommandError when there is none."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        return requests.get(address, params=parameters, headers=headers, timeout=_TIMEOUT)
    except ValueError as error:
        raise CommandError(f"{address} is not a complete URL; an example is http://127.0.0.1:8000") from error
    except requests.RequestException as error:
        raise CommandError(f"{address} does not respond ({type(error).__name__}): is it running?") from error
