"""Where samples come from: metrics pages that are looked at once a second, or a Prometheus that has done so."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import requests
from prometheus_client.parser import text_string_to_metric_families

from deploy.errors import SurroundingsError
from deploy.evidence.windows import Sample, Samples, SeriesKey

LOOK_EVERY_SECONDS: Final = 1.0
_TIMEOUT: Final = 5.0
_WANTED: Final = (
    r"(.+_)?(http_request_seconds_(bucket|sum|count)|http_cpu_seconds_total|http_in_flight|http_threads|http_processes"
    r"|pool_wait_seconds_(sum|count)|database_sessions)"
)


def look_at_pages(
    pages: Mapping[str, str | None], seconds: float, say: Callable[[float], None] = lambda _left: None
) -> Samples:
    """Metrics pages with the token that each wants, if any. `say` is told how much time is left. Raises
    SurroundingsError."""
    found: dict[SeriesKey, list[Sample]] = {}
    until = time.monotonic() + seconds
    while True:
        for number, (address, token) in enumerate(pages.items()):
            for key, value in read_page(address, token):
                labelled = SeriesKey(key.name, (*key.labels, ("page", str(number))))
                found.setdefault(labelled, []).append((time.time(), value))
        left = until - time.monotonic()
        if left <= 0:
            return found
        say(left)
        time.sleep(min(LOOK_EVERY_SECONDS, left))


def ask_prometheus(address: str, window: str, match: str = "") -> Samples:
    """What a Prometheus server has of the last `window` (such as 5m), narrowed by `match` (such as job="shop"). Raises
    SurroundingsError."""
    selector = ",".join(filter(None, [f'__name__=~"{_WANTED}"', match]))
    url = f"{address.rstrip('/')}/api/v1/query"
    answer = _get(url, None, {"query": f"{{{selector}}}[{window}]"})
    try:
        body = answer.json()
        results: Sequence[Any] = body["data"]["result"]
        return {_key(each["metric"]): [(float(at), float(value)) for at, value in each["values"]] for each in results}
    except (ValueError, KeyError, TypeError) as error:
        raise SurroundingsError(f"{address} does not answer like a Prometheus server: {answer.text[:200]}") from error


def _key(labels: Mapping[str, str]) -> SeriesKey:
    rest = tuple(sorted((name, value) for name, value in labels.items() if name != "__name__"))
    return SeriesKey(labels["__name__"], rest)


def read_page(address: str, token: str | None) -> list[tuple[SeriesKey, float]]:
    """What a metrics page says now. Raises SurroundingsError."""
    text = _get(address, token, {}).text
    try:
        return [
            (SeriesKey(sample.name, tuple(sorted(sample.labels.items()))), float(sample.value))
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]
    except ValueError as error:
        raise SurroundingsError(f"{address} is no page of metrics in Prometheus' text format: {error}") from error


def _get(address: str, token: str | None, parameters: Mapping[str, str]) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = requests.get(address, params=parameters, headers=headers, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise SurroundingsError(f"{address} does not answer ({type(error).__name__}): is it running?") from error
    if answer.status_code in (401, 403, 404) and not token:
        raise SurroundingsError(f"{address} was answered {answer.status_code}: it may want a token, by --token")
    if not answer.ok:
        raise SurroundingsError(f"{address} was answered {answer.status_code}: {' '.join(answer.text.split())[:200]}")
    return answer
