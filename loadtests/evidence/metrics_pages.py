"""Samples of metrics pages, which are looked at once a second; and how any address is asked."""

import time
from collections.abc import Callable, Mapping
from typing import Final

import requests
from prometheus_client.parser import text_string_to_metric_families

from deploy.errors import CommandError
from loadtests.evidence.window import Sample, Samples, SeriesKey

LOOK_EVERY_SECONDS: Final = 1.0
_TIMEOUT: Final = 5.0


def scrape_pages(
    pages: Mapping[str, str | None], seconds: float, say: Callable[[float], None] = lambda _left: None
) -> Samples:
    """Metrics pages with the token that each wants, if any. `say` is told how much time is left. Raises
    CommandError."""
    found: dict[SeriesKey, list[Sample]] = {}
    until = time.monotonic() + seconds
    while True:
        for number, (address, token) in enumerate(pages.items()):
            # One moment for all of a page: a series that is not there at the first look began later.
            moment = time.time()
            for key, value in scrape_page(address, token):
                labelled = SeriesKey(key.name, (*key.labels, ("page", str(number))))
                found.setdefault(labelled, []).append((moment, value))
        left = until - time.monotonic()
        if left <= 0:
            return found
        say(left)
        time.sleep(min(LOOK_EVERY_SECONDS, left))


def scrape_page(address: str, token: str | None) -> list[tuple[SeriesKey, float]]:
    """What a metrics page says now. Raises CommandError."""
    answer = http_get(address, token, {})
    if answer.status_code in (401, 403, 404):
        remedy = "it may want another token" if token else "it may want a token, by --token"
        raise CommandError(f"{address} was answered {answer.status_code}: {remedy}, or is no metrics page")
    if not answer.ok:
        raise CommandError(f"{address} was answered {answer.status_code}: {' '.join(answer.text.split())[:200]}")
    try:
        return [
            (SeriesKey(sample.name, tuple(sorted(sample.labels.items()))), float(sample.value))
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        ]
    except ValueError as error:
        raise CommandError(f"{address} is no page of metrics in Prometheus' text format: {error}") from error


def http_get(address: str, token: str | None, parameters: Mapping[str, str]) -> requests.Response:
    """Whatever its status. Raises CommandError when none comes."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        return requests.get(address, params=parameters, headers=headers, timeout=_TIMEOUT)
    except ValueError as error:
        raise CommandError(f"{address} is no address: write it in full, as in http://127.0.0.1:8000") from error
    except requests.RequestException as error:
        raise CommandError(f"{address} does not answer ({type(error).__name__}): is it running?") from error
